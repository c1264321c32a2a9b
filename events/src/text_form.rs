//! Reading values that are one of a few words.

/// Makes types readable from their text form, and from nothing else: what `serde` derives for an enum also takes
/// `{"word": null}`, and calls any other JSON malformed.
macro_rules! read_from_text {
    ($($type:ident),+) => {$(
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Word;

                impl serde::de::Visitor<'_> for Word {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("one of ")?;
                        for (index, word) in $type::ALL.into_iter().enumerate() {
                            write!(f, "{}{}", if index == 0 { "" } else { ", " }, word.as_str())?;
                        }
                        Ok(())
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        const WORDS: &[&str] = &{
                            let mut words = [""; $type::ALL.len()];
                            let mut index = 0;
                            while index < words.len() {
                                words[index] = $type::ALL[index].as_str();
                                index += 1;
                            }
                            words
                        };
                        let found = $type::ALL.into_iter().find(|word| word.as_str() == text);
                        found.ok_or_else(|| E::unknown_variant(text, WORDS))
                    }
                }

                deserializer.deserialize_str(Word)
            }
        }
    )+};
}

pub(crate) use read_from_text;

#[cfg(test)]
mod tests {
    use crate::{
        message::Visibility,
        ticket::{Priority, Status, TicketType},
        user::Role,
    };

    fn reads_its_words_alone<T: serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(all: &[(T, &str)]) {
        for (value, word) in all {
            assert_eq!(serde_json::from_str::<T>(&format!("\"{word}\"")).unwrap(), *value);
            for wrong in [format!("{{\"{word}\": null}}"), format!("[\"{word}\"]"), "1".into(), "null".into()] {
                let error = serde_json::from_str::<T>(&wrong).unwrap_err();
                assert!(error.is_data() && error.to_string().contains("expected one of "), "{wrong}: {error}");
            }
        }
        let error = serde_json::from_str::<T>("\"no such word\"").unwrap_err().to_string();
        assert!(error.contains("unknown variant `no such word`, expected "), "{error}");
    }

    #[test]
    fn words_are_read_from_text_and_from_nothing_else() {
        reads_its_words_alone(&Status::ALL.map(|word| (word, word.as_str())));
        reads_its_words_alone(&Priority::ALL.map(|word| (word, word.as_str())));
        reads_its_words_alone(&TicketType::ALL.map(|word| (word, word.as_str())));
        reads_its_words_alone(&Visibility::ALL.map(|word| (word, word.as_str())));
        reads_its_words_alone(&Role::ALL.map(|word| (word, word.as_str())));
    }
}
