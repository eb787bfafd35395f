//! The analyser: what is found by which words, in which language.

use proptest::prelude::*;
use rag_core::analyse::{Language, TERM_CHARS_MAX, detect_language, index_terms, query_terms};

/// Text that is indexed, and queries of which every word must find it.
const FINDS: &[(&str, &[&str])] = &[
    (
        "The documents were running quickly.",
        &["document", "Documents run", "RUNNING", "quick"],
    ),
    (
        "Call `search_documents` first",
        &["search_documents", "search", "document", "searchDocuments"],
    ),
    (
        "A new HttpClient is made",
        &["HttpClient", "httpclient", "http client", "http_client"],
    ),
    (
        "The HTTPServer2 listens",
        &["HTTPServer2", "httpserver2", "http server"],
    ),
    ("Released as v1.2.3 today", &["v1.2.3", "1.2.3"]),
    (
        "use foo::bar_baz;",
        &["foo::bar_baz", "foo", "bar", "baz", "foo.bar"],
    ),
    ("written in C++ and C#", &["C++", "c#", "cpp", "csharp"]),
    (
        "the model text-embedding-3-small",
        &[
            "text-embedding-3-small",
            "embedding",
            "text_embedding_3_small",
        ],
    ),
    ("sent by e-mail", &["e-mail", "email"]),
    ("hash it with sha256", &["sha256", "sha"]),
    ("costs 1,000,000 dollars", &["1000000", "1,000,000"]),
    (
        "naïve café at Zürich, Łódź, Ærø, Straße",
        &[
            "naive", "cafe", "Zurich", "Lodz", "Aero", "strasse", "Straße",
        ],
    ),
    ("ﬁnd the ＦＵＬＬ width ①", &["find", "full", "1"]),
    (
        "The Beatles' songs and Frank\u{2019}s",
        &["beatles", "song", "frank"],
    ),
    ("黑豹队的防守丢了308分", &["防守", "黑豹队", "308", "豹"]),
    ("東京タワーは高いです", &["東京", "タワー", "高"]),
    ("서울은 대한민국의 수도이다", &["서울", "대한민국", "수도"]),
    ("กรุงเทพเป็นเมืองหลวง", &["กรุงเทพ", "เมือง"]),
    (
        "Москва является столицей России, ёлка",
        &["столица", "Россия", "елка"],
    ),
    (
        "Η Αθήνα είναι πρωτεύουσα",
        &["αθηνα", "ΑΘΗΝΑ", "πρωτεύουσα"],
    ),
    ("ذهب أحمد إلى المَدْرَسَة", &["احمد", "المدرسة"]),
    ("שָׁלוֹם עולם", &["שלום", "עולם"]),
    ("हिन्दी भाषा की किताब", &["हिन्दी", "किताब"]),
];

/// Queries that must not find the text.
const MISSES: &[(&str, &str)] = &[
    ("release 12", "1.2"),
    ("किताब", "कतब"),
    ("the cat", "dog"),
    ("北京", "東京"),
];

#[test]
fn words_find_their_text() {
    for (text, queries) in FINDS {
        let terms = index_terms(text, detect_language(text));
        for query in *queries {
            let found = query
                .split(' ')
                .all(|word| query_terms(word).iter().any(|term| terms.contains(term)));
            assert!(
                found,
                "{query:?} ({:?}) misses {terms:?}",
                query_terms(query)
            );
        }
    }
}

#[test]
fn other_words_do_not() {
    for (text, query) in MISSES {
        let terms = index_terms(text, detect_language(text));
        let common: Vec<_> = query_terms(query)
            .into_iter()
            .filter(|term| terms.contains(term))
            .collect();
        assert!(common.is_empty(), "{query:?} finds {text:?} by {common:?}");
    }
}

#[test]
fn a_document_in_another_language_is_found_by_an_inflected_query() {
    let cases = [
        (
            Language::German,
            "Die Verteidigung der Panther war in den letzten Spielen der Saison sehr stark.",
            "Welche Verteidigungen waren in der letzten Saison stark?",
            "verteid",
        ),
        (
            Language::French,
            "Les recherches des chercheurs ont été publiées dans les journaux scientifiques.",
            "Qui a publié la recherche dans un journal scientifique ?",
            "recherch",
        ),
        (
            Language::Spanish,
            "Las navegaciones de los exploradores españoles comenzaron en el siglo quince.",
            "¿Cuándo comenzó la navegación de los exploradores?",
            "naveg",
        ),
    ];
    for (language, text, query, stem) in cases {
        let terms = index_terms(text, language);
        let common: Vec<_> = query_terms(query)
            .into_iter()
            .filter(|term| terms.contains(term))
            .collect();
        assert!(
            common.iter().any(|term| term.starts_with(stem)),
            "{stem} is not in {common:?}"
        );
    }
}

#[test]
fn languages_are_told_apart() {
    let cases = [
        (
            Language::English,
            "The history of the town begins with the building of a bridge over the river, \
          which the people who lived there used for more than three hundred years.",
        ),
        (
            Language::German,
            "Die Geschichte der Stadt beginnt mit dem Bau einer Brücke über den Fluss, \
          welche die Menschen, die dort lebten, über dreihundert Jahre lang benutzt haben.",
        ),
        (
            Language::French,
            "L'histoire de la ville commence par la construction d'un pont sur la rivière, \
          que les gens qui y vivaient ont utilisé pendant plus de trois cents ans.",
        ),
        (
            Language::Other,
            "Historia miasta zaczyna się od budowy mostu na rzece, z którego ludzie \
          mieszkający w okolicy korzystali przez ponad trzysta lat, zanim został zburzony.",
        ),
        (
            Language::English,
            "История города начинается со строительства моста через реку.",
        ),
        (Language::English, "x = 1"),
        (Language::English, ""),
    ];
    for (language, text) in cases {
        assert_eq!(detect_language(text), language, "{text}");
    }
}

#[test]
fn stop_words_count_only_when_there_is_nothing_else() {
    assert_eq!(
        query_terms("what is the speed of light"),
        ["speed", "light"]
    );
    for query in ["to be or not to be", "Who are we?", "The The"] {
        let terms = query_terms(query);
        let index = index_terms(query, Language::English);
        assert!(
            terms.iter().any(|term| index.contains(term)),
            "{query:?} gives {terms:?}"
        );
    }
}

#[test]
fn terms_repeat_in_a_text_and_not_in_a_query() {
    assert_eq!(
        index_terms("stone, stone and stones", Language::English),
        ["stone", "stone", "and", "stone"]
    );
    assert_eq!(query_terms("stone stone"), query_terms("stone"));
}

#[test]
fn nothing_gives_nothing() {
    for text in ["", "  \n", "?!", "👩‍👩‍👧 —", "\u{301}\u{200d}"] {
        assert!(index_terms(text, Language::English).is_empty(), "{text:?}");
        assert!(query_terms(text).is_empty(), "{text:?}");
    }
}

const LANGUAGES: [Language; 15] = [
    Language::English,
    Language::Danish,
    Language::Dutch,
    Language::Finnish,
    Language::French,
    Language::German,
    Language::Hungarian,
    Language::Italian,
    Language::Norwegian,
    Language::Portuguese,
    Language::Romanian,
    Language::Spanish,
    Language::Swedish,
    Language::Turkish,
    Language::Other,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_gives_clean_terms(text in "(\\PC|[a-zA-Zàéîøüßñçığ ]{1,9}|[а-яё]{1,9}|[α-ωά]{1,9}|[ا-ي]{1,9}|[அ-ஹ]{1,4}|[_.:0-9-]){0,60}") {
        let terms = LANGUAGES.iter().flat_map(|&language| index_terms(&text, language));
        for term in terms.chain(query_terms(&text)) {
            prop_assert!(!term.is_empty());
            prop_assert!(term.chars().count() <= TERM_CHARS_MAX);
            prop_assert!(term.chars().all(|char| char.is_alphanumeric() || char == '_'), "{term:?}");
        }
    }

    #[test]
    fn a_text_is_found_by_itself(text in "[\\p{L}\\p{N}]{1,12}") {
        let terms = index_terms(&text, detect_language(&text));
        let query = query_terms(&text);
        prop_assert!(terms.is_empty() || query.iter().any(|term| terms.contains(term)), "{query:?} in {terms:?}");
    }
}
