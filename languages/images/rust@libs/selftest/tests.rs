use itertools::Itertools;

pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_lowercase).sorted().dedup().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_once() {
        assert_eq!(words("b A a"), ["a", "b"]);
    }

    #[test]
    #[should_panic(expected = "nothing")]
    fn panics() {
        panic!("nothing is there");
    }

    #[test]
    fn is_wrong() {
        assert_eq!(words(""), ["a"], "there are no words");
    }
}
