//! Common first and last names, so that a name is recognised by ear and found in a sentence. Words that are also ordinary speech
//! ("will", "may", "grace", "king") are left out or listed only where a name is expected anyway.

/// First names frequent in English-speaking countries and among European travellers.
pub(crate) const FIRST: &str = "james john robert michael david william richard joseph thomas charles christopher daniel matthew anthony donald \
steven paul andrew joshua kenneth kevin brian george edward ronald timothy jason jeffrey ryan jacob gary nicholas eric jonathan stephen \
larry justin scott brandon benjamin samuel gregory frank alexander raymond patrick jack dennis jerry tyler aaron jose henry adam douglas \
nathan peter zachary kyle walter harold jeremy ethan carl keith roger gerald christian terry sean arthur austin noah jesse joe bryan \
billy jordan albert dylan bruce gabriel alan juan logan wayne ralph roy eugene randy vincent russell louis philip bobby johnny bradley \
mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty margaret sandra ashley kimberly emily donna \
michelle carol amanda dorothy melissa deborah stephanie rebecca sharon laura cynthia kathleen amy angela shirley anna brenda pamela emma \
nicole helen samantha katherine christine debra rachel carolyn janet catherine maria heather diane ruth julie olivia joyce virginia \
victoria kelly lauren christina joan evelyn judith megan andrea cheryl hannah jacqueline martha gloria teresa ann sara madison frances \
kathryn janice jean abigail alice julia judy sophia denise amber doris marilyn danielle beverly isabella theresa diana natalie brittany \
charlotte marie kayla alexis lori";

/// Last names: the most frequent ones of the United States census, less those that are everyday words.
pub(crate) const LAST: &str = "smith johnson williams jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson anderson thomas \
taylor moore jackson martin lee perez thompson harris sanchez clark ramirez lewis robinson walker allen wright scott torres nguyen hill \
flores adams nelson baker hall rivera campbell mitchell carter roberts gomez phillips evans turner diaz parker cruz edwards collins reyes \
stewart morris morales murphy cook rogers gutierrez ortiz morgan cooper peterson bailey reed kelly howard ramos kim cox ward richardson \
watson brooks chavez wood bennett gray mendoza ruiz hughes price alvarez castillo sanders patel myers ross foster jimenez powell jenkins \
perry russell sullivan bell coleman butler henderson barnes fisher vasquez simmons jordan patterson hamilton graham reynolds griffin \
wallace moreno hayes bryant herrera gibson ellis tran medina stevens murray ford castro marshall owens harrison fernandez mcdonald woods \
washington kennedy wells vargas henry chen freeman webb tucker guzman burns crawford olson simpson porter hunter gordon mendez shaw \
snyder mason hunt warren nichols holmes palmer robertson daniels webster grant ferguson stone hawkins dunn perkins hudson spencer gardner \
stephens payne pierce berry matthews arnold wagner willis ray watkins olsen carroll duncan snow hart cunningham bradley lane andrews ruiz \
harper fox riley armstrong carpenter weaver greene lawrence elliott chavez sims austin peters kelley franklin lawson schmidt mueller \
schneider fischer weber meyer hoffman schwartz klein becker hansen larson jensen nielsen petersen novak rossi dubois";

/// Names that are everyday words as well: they count as names only where a name is expected.
const ALSO_WORDS: &[&str] = &[
    "hill", "hall", "cook", "ward", "wood", "woods", "price", "bell", "wells", "stone", "berry", "ray", "snow", "lane", "fox", "mason",
    "grant", "hunt", "reed", "cross", "parker", "wright", "virginia", "jean",
];

/// Every name once, in order of the lists.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    FIRST.split_whitespace().chain(LAST.split_whitespace())
}

/// True for a name that is an everyday word as well.
pub(crate) fn is_word(word: &str) -> bool {
    ALSO_WORDS.contains(&word)
}

/// True for a listed name.
pub(crate) fn is_name(word: &str) -> bool {
    use std::collections::HashSet;
    use std::sync::LazyLock;
    static NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| all().chain(ALSO_WORDS.iter().copied()).collect());
    let word = word.strip_suffix("'s").unwrap_or(word);
    NAMES.contains(word)
}
