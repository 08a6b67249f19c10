//! Who uses a verb that changes something, for the audit log.

use super::PasskeysError;
use crate::onboarding::{NameError, OperatorName};

/// As given, else the login name.
pub(super) fn named(given: Option<&OperatorName>) -> Result<OperatorName, PasskeysError> {
    match given {
        Some(operator) => Ok(operator.clone()),
        None => login_name().map_err(PasskeysError::Operator),
    }
}

/// In the characters of an operator's name; `cli` where nobody is told.
fn login_name() -> Result<OperatorName, NameError> {
    let login = ["LOGNAME", "USER"].into_iter().find_map(|name| std::env::var(name).ok());
    named_after(&login.unwrap_or_default())
}

fn named_after(login: &str) -> Result<OperatorName, NameError> {
    let allowed = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    let name: String = login.to_ascii_lowercase().chars().filter(allowed).take(OperatorName::MAX).collect();
    if name.is_empty() { "cli" } else { &name }.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_named_after_the_login() {
        for (login, name) in
            [("ada", "ada"), ("Ada.L@corp", "adalcorp"), ("", "cli"), ("ädä", "d"), ("日本", "cli")]
        {
            assert_eq!(named_after(login).unwrap().as_str(), name, "{login}");
        }
        assert_eq!(named_after(&"a".repeat(100)).unwrap().as_str().len(), 64);
    }
}
