//! What children inherit.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The variable by which a child of an effect is found again.
pub(crate) const MARK: &str = "RUNBOOK_EFFECT";

/// Variables that make a shell or the loader run something, or change what a script means.
const DANGEROUS: &[&str] =
    &["BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "BASH_XTRACEFD", "PS4", "CDPATH", "GLOBIGNORE", "IFS", "POSIXLY_CORRECT", MARK];

/// Exported bash functions (one hijacked `docker` in a trial), the loader's own, and the values of variables, secrets among them.
const DANGEROUS_PREFIXES: &[&str] = &["BASH_FUNC_", "LD_", "RUNBOOK_VAR_", "RUNBOOK_P"];

/// An environment without what could change a script's meaning or give it secrets that are not its own.
#[derive(Clone, Debug, Default)]
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// Cleans `vars`, usually `std::env::vars_os()`.
    pub fn cleaned(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(vars.into_iter().filter(|(name, _)| !is_dangerous(name)).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    pub(super) fn get(&self, name: &str) -> Option<&OsStr> {
        self.iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }
}

fn is_dangerous(name: &OsStr) -> bool {
    let name = name.as_bytes();
    DANGEROUS.iter().any(|bad| bad.as_bytes() == name) || DANGEROUS_PREFIXES.iter().any(|bad| name.starts_with(bad.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_a_script_or_holds_secrets_is_not_inherited() {
        let vars = [
            "PATH",
            "BASH_ENV",
            "ENV",
            "BASH_FUNC_docker%%",
            "LD_PRELOAD",
            "RUNBOOK_VAR_PASSWORD",
            "RUNBOOK_EFFECT",
            "RUNBOOK_P1",
            "IFS",
            "ENVIRON",
            "LANG",
        ];
        let cleaned = Environment::cleaned(vars.map(|name| (name.into(), "x".into())));
        assert_eq!(cleaned.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["PATH", "ENVIRON", "LANG"]);
    }
}
