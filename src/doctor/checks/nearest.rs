//! What somebody may have meant.

/// The nearest of `known`, if it is near enough to be a slip of the pen.
pub fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let written = written.to_ascii_lowercase().replace('-', "_");
    let distance = |name: &str| strsim::damerau_levenshtein(&written, &name.replace('-', "_"));
    let best = known.into_iter().min_by_key(|name| distance(name))?;
    let allowed = (best.len() / 3).clamp(1, 4);
    (distance(best) <= allowed).then_some(best)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let known = ["web_hook", "session", "verification"];
        assert_eq!(super::nearest("webhook", known), Some("web_hook"));
        assert_eq!(super::nearest("web-hook", known), Some("web_hook"));
        assert_eq!(super::nearest("sesion", known), Some("session"));
        assert_eq!(super::nearest("send_mail", known), None);
    }
}
