//! The pages a person sees, and what somebody else may try there.

mod attempts;
mod consent;
mod endings;
mod pages;
mod second_factor;
mod session;
mod signup;
mod state;
mod step_up;
