//! The table of what ends why: pure.

/// Why something that speaks for a person ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Their password was changed, whoever did it: somebody else may know the old one.
    PasswordChanged,
    /// The address, name or number that they sign in with was changed: it may have been somebody else's.
    IdentifierChanged,
    /// They were blocked.
    Blocked,
    /// They were deleted: all that is theirs goes with them.
    Deleted,
    /// A second factor of theirs was removed, because it was lost or is in somebody else's hands.
    FactorRemoved,
    /// An administrator signed them out.
    SignedOutEverywhere,
    /// A code or a refresh token was used again: it has been in two hands.
    TokenReused,
    /// They signed out, in one browser.
    SignedOut,
    /// The same, at a tenant where offline access ends with the session.
    SignedOutWithTokens,
}

/// What speaks for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearer {
    /// A browser's session.
    Session,
    /// A refresh token.
    RefreshToken,
    /// A code that has not been exchanged.
    Code,
    /// The state of a login in which all but the second factor was proven.
    Halfway,
    /// An access token of the management API, or for userinfo.
    AccessToken,
}

/// How far it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All that the person has.
    All,
    /// What came of one session.
    OfSession,
    /// Nothing of it.
    Nothing,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 9] = [
        Self::PasswordChanged,
        Self::IdentifierChanged,
        Self::Blocked,
        Self::Deleted,
        Self::FactorRemoved,
        Self::SignedOutEverywhere,
        Self::TokenReused,
        Self::SignedOut,
        Self::SignedOutWithTokens,
    ];

    /// What of a bearer this ends.
    pub const fn ends(self, bearer: Bearer) -> Reach {
        match (self, bearer) {
            (
                Self::PasswordChanged
                | Self::IdentifierChanged
                | Self::Blocked
                | Self::Deleted
                | Self::FactorRemoved
                | Self::SignedOutEverywhere,
                _,
            ) => Reach::All,
            // Whoever types a password at this moment has nothing to do with a session or its tokens.
            (_, Bearer::Halfway) => Reach::Nothing,
            // OpenID Connect Back-Channel Logout §2.7, Auth0: offline access outlives a sign-out.
            (Self::SignedOut, Bearer::RefreshToken) => Reach::Nothing,
            (Self::TokenReused | Self::SignedOut | Self::SignedOutWithTokens, _) => Reach::OfSession,
        }
    }
}

impl Bearer {
    /// Every bearer.
    pub const ALL: [Self; 5] =
        [Self::Session, Self::RefreshToken, Self::Code, Self::Halfway, Self::AccessToken];
}
