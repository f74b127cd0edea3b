//! The contract as a document: a change of it shows in review.

use sayso_web::api::{openapi, problem::KINDS};

#[test]
fn the_openapi_document_is_the_golden_one() {
    let document = serde_json::to_string_pretty(&openapi::document()).unwrap();
    insta::assert_snapshot!("openapi", document);
}

#[test]
fn every_call_of_the_contract_is_documented_as_openapi_3_1() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for (path, method) in [
        ("/v1/escalations", "post"),
        ("/v1/escalations", "get"),
        ("/v1/escalations/{id}", "get"),
        ("/v1/escalations/{id}/decisions", "post"),
        ("/v1/escalations/{id}/withdraw", "post"),
        ("/v1/permits/redeem", "post"),
        ("/v1/permits/{id}/receipt", "post"),
        ("/v1/events", "get"),
        ("/v1/halts", "post"),
        ("/v1/halts/{id}", "delete"),
    ] {
        assert!(document["paths"][path][method].is_object(), "{method} {path}");
    }
}

#[test]
fn every_kind_of_problem_is_documented() {
    let page = include_str!("../../../../docs/problems.md");
    for kind in KINDS {
        let row = format!(
            "| `/problems/{}` | {} | {}. {} |",
            kind.slug,
            kind.status,
            kind.title.trim_end_matches('?'),
            kind.mend
        );
        assert!(page.contains(&row), "docs/problems.md lacks this row:\n{row}");
    }
}
