//! Which second factors a person has, and what follows from that. Pure.

use crate::{
    resources::settings::model::{Mfa, Policy, Unsupported},
    secret::{Sealed, Secret},
};
use serde::{Deserialize, Serialize};

/// An authenticator app.
pub const TOTP: &str = "totp";

/// A code on paper, good for once.
pub const RECOVERY_CODE: &str = "recovery-code";

/// What a session and its ID tokens say of a login with a one-time password (RFC 8176 §2), as JSON. Auth0: `mfa`.
pub const AMR_OTP: &str = r#"["mfa","otp"]"#;

/// The same with a recovery code, for which RFC 8176 has no word of its own.
pub const AMR_RECOVERY: &str = r#"["mfa"]"#;

/// One confirmed factor: its kind (Auth0's names), and whether its secret is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor(pub String, pub i64);

/// The confirmed factors of a person, and of what is linked to them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Factors(pub Vec<Factor>);

/// What a login asks for after the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Nothing.
    Nothing,
    /// A code.
    Code,
    /// Something that can't be checked here: a message to a phone, a passkey, an authenticator whose seed was lost.
    Impossible,
}

impl Factors {
    /// What is asked of this person. Who has none is not asked, whatever the policy: to enrol one at this point would prove
    /// nothing. `is_asked`: the client wants one to be proven, whatever the policy.
    pub fn demand(&self, mfa: &Mfa, is_asked: bool) -> Demand {
        let is_code = |factor: &Factor| matches!(factor.0.as_str(), TOTP | RECOVERY_CODE) && factor.1 != 0;
        let is_never = mfa.policy == Some(Policy::Never);
        if (is_asked || !is_never) && self.0.iter().any(is_code) {
            Demand::Code
        } else if self.0.is_empty() || is_never || mfa.unsupported_factors == Some(Unsupported::Ignore) {
            Demand::Nothing
        } else {
            Demand::Impossible
        }
    }
}

/// A factor that can be checked.
pub struct Method {
    /// Its id.
    pub id: String,
    /// Its kind: [`TOTP`] or [`RECOVERY_CODE`].
    pub kind: String,
    /// Its seed, or the code.
    pub sealed: Sealed,
}

/// A recovery code as it is compared: however it was typed.
pub fn recovery_code(typed: &str) -> Secret {
    let letters = typed.chars().filter(char::is_ascii_alphanumeric);
    Secret::new(letters.map(|letter| letter.to_ascii_uppercase()).collect::<String>())
}
