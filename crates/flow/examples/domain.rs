//! Prints the sentences that an agent file generates: `cargo run -p flow --example domain -- agents/hotel.toml [state]`.

#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "an example program for a person")]

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("usage: domain FILE [STATE]");
    let only = arguments.next();
    let flow = flow::Flow::parse(&std::fs::read_to_string(path).unwrap()).expect("the file is wrong");
    for (state, sentences) in flow.domain(1).into_iter().filter(|(state, _)| only.as_ref().is_none_or(|only| only == state)) {
        sentences.iter().for_each(|sentence| println!("{state}\t{sentence}"));
    }
}
