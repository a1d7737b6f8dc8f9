use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

static WORDS: LazyLock<Mutex<HashMap<u8, &str>>> = LazyLock::new(|| Mutex::new(HashMap::from([(1, "mod"), (2, "ern")])));

fn parts<const N: usize>(wanted: [u8; N]) -> impl Iterator<Item = String> {
    wanted.into_iter().filter_map(|at| WORDS.lock().unwrap().get(&at).map(|text| text.to_string()))
}

async fn later() -> u8 {
    2
}

fn main() {
    let Some(first) = parts([1]).next() else { panic!("none") };
    let rest = match parts([2]).collect::<Vec<_>>().as_slice() {
        [only] if only.len() == 3 => only.clone(),
        [.., last] => last.clone(),
        [] => String::new(),
    };
    let _future = later();
    println!("{first}{rest}");
}
