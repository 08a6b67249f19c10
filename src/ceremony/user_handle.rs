//! What an authenticator keeps a person's passkeys under (WebAuthn Level 3, section 4, "user handle").

use std::fmt;
use std::str::FromStr;

/// 1 to 64 printable ASCII characters: Kratos keeps it as a text identifier beside its bytes, so others could not be found
/// again by a sign-in.
#[derive(Clone, PartialEq, Eq)]
pub struct UserHandle(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserHandleError {
    #[error("is not 1 to 64 bytes long")]
    Length,
    #[error("holds something else than printable ASCII characters")]
    NotAscii,
    #[error("the operating system gives no random bytes")]
    Random,
}

const LONGEST: usize = 64;
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl UserHandle {
    /// 64 letters and digits, as Kratos makes them (v1.3.1 to v26.2.0).
    pub fn random() -> Result<UserHandle, UserHandleError> {
        let mut text = String::with_capacity(LONGEST);
        while text.len() < LONGEST {
            let mut bytes = [0; LONGEST];
            getrandom::fill(&mut bytes).map_err(|_| UserHandleError::Random)?;
            // Six bits each; those beyond the alphabet are thrown again, so that all are equally likely.
            let drawn = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
            text.extend(drawn.take(LONGEST - text.len()).map(|letter| char::from(*letter)));
        }
        Ok(UserHandle(text))
    }

    pub fn of_bytes(bytes: &[u8]) -> Result<UserHandle, UserHandleError> {
        match bytes.len() {
            1..=LONGEST => {}
            _ => return Err(UserHandleError::Length),
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(UserHandle(text.to_owned())),
            _ => Err(UserHandleError::NotAscii),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserHandle {
    type Err = UserHandleError;

    fn from_str(text: &str) -> Result<UserHandle, UserHandleError> {
        UserHandle::of_bytes(text.as_bytes())
    }
}

impl fmt::Debug for UserHandle {
    /// It names a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserHandle(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_one_is_64_letters_and_digits_and_each_is_another() {
        let [one, other] = [UserHandle::random().unwrap(), UserHandle::random().unwrap()];
        assert_ne!(one, other);
        assert_eq!(one.as_str().len(), 64);
        assert!(one.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn only_printable_ascii_is_one() {
        assert!(UserHandle::of_bytes(b"aHV4Y3g3M2V2cHd4eHh4-_.~").is_ok());
        for (wrong, why) in [
            (b"".as_slice(), UserHandleError::Length),
            (&[b'a'; 65], UserHandleError::Length),
            (b"a b", UserHandleError::NotAscii),
            (b"a\n", UserHandleError::NotAscii),
            ("é".as_bytes(), UserHandleError::NotAscii),
            (&[0xdf, 0xd6, 0x26, 0x54], UserHandleError::NotAscii),
        ] {
            assert_eq!(UserHandle::of_bytes(wrong), Err(why), "{wrong:?}");
        }
    }
}
