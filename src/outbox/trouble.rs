//! Trouble that goes on is told once.

#[derive(Debug, Default)]
pub struct Trouble(bool);

impl Trouble {
    /// Whether it was not there before.
    pub fn begins(&mut self) -> bool {
        !std::mem::replace(&mut self.0, true)
    }

    /// Whether it was there until now.
    pub fn ends(&mut self) -> bool {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_once_until_it_ends() {
        let mut trouble = Trouble::default();
        assert!(!trouble.ends());
        assert!(trouble.begins() && !trouble.begins());
        assert!(trouble.ends() && !trouble.ends());
        assert!(trouble.begins());
    }
}
