//! Section 5: which model a collection's texts are embedded with, and what a wrong one is told.
//!
//! That the built-in model gives Chroma's vectors is tested where the real model runs (`tests/embedding.rs`).

use huedb::record::Configuration;
use serde_json::json;

use crate::shell::check;

#[test]
fn section_5_known_names() {
    for name in ["default", "onnx_mini_lm_l6_v2"] {
        let json = json!({"embedding_function": {"type": "known", "name": name, "config": {}}});
        assert!(Configuration::from_json(&json).is_ok(), "5 {name} is the built-in model");
    }
    for name in "cohere openai huggingface huggingface_server sentence_transformer google_palm google_generative_ai \
        google_vertex google_gemini google_genai ollama instructor jina mistral morph nomic voyageai open_clip roboflow \
        text2vec amazon_bedrock chroma_langchain baseten cloudflare_workers_ai together_ai chroma-cloud-qwen perplexity"
        .split_whitespace()
    {
        let json = json!({"embedding_function": {"type": "known", "name": name, "config": {}}});
        let told = Configuration::from_json(&json).unwrap_err().to_string();
        assert!(told.contains(&format!("{name:?} is not part of huedb")), "5 {name} is refused by name: {told}");
    }
}

#[test]
fn section_5_embedding_functions() {
    let function = "huedb show notes -o json | grep -o '\"embedding_function\":[^}]*}*'";
    check(
        "",
        &[
            (
                "5 the default function is all-MiniLM-L6-v2 with 384 dimensions",
                &format!(
                    "huedb create notes -q; {function}; huedb show notes -o json | grep -o '\"dimension\":[0-9]*' | uniq"
                ),
                "\"embedding_function\":{\"type\":\"known\",\"name\":\"default\",\"config\":{}}}\n\"dimension\":384",
                "",
                0,
            ),
            (
                "5 one that is not Chroma's is unknown to it",
                &format!("huedb create notes -q --model hash-8; {function}"),
                "\"embedding_function\":{\"type\":\"unknown\"}}",
                "",
                0,
            ),
            (
                "5 the persisted shape is understood",
                "huedb create notes --configuration '{\"embedding_function\": {\"type\": \"known\", \"name\": \"default\", \"config\": {}}}'",
                "",
                "created notes",
                0,
            ),
            (
                "5 legacy and unknown are understood",
                "huedb create notes --configuration '{\"embedding_function\": {\"type\": \"legacy\"}}'
                 huedb create more --configuration '{\"embedding_function\": {\"type\": \"unknown\"}}'",
                "",
                "created more",
                0,
            ),
            (
                "5 a function that contradicts --no-model",
                "huedb create notes --no-model --configuration '{\"embedding_function\": {\"type\": \"known\", \"name\": \"default\", \"config\": {}}}'",
                "",
                "is the model all-MiniLM-L6-v2, and --no-model says none",
                2,
            ),
            (
                "5 a function that contradicts --model",
                "huedb create notes --model hash-8 --configuration '{\"embedding_function\": {\"type\": \"known\", \"name\": \"default\", \"config\": {}}}'",
                "",
                "is the model all-MiniLM-L6-v2, and --model says hash-8",
                2,
            ),
            (
                "5 modify: the function there is",
                "huedb create notes -q; huedb modify notes --configuration '{\"embedding_function\": {\"type\": \"known\", \"name\": \"default\", \"config\": {}}}'
                 huedb create more --model hash-8 -q
                 huedb modify more --configuration '{\"embedding_function\": {\"type\": \"unknown\"}}'",
                "",
                "modified more",
                0,
            ),
            (
                "5 modify ours: another function is refused",
                "huedb create notes --no-model -q; huedb modify notes --configuration '{\"embedding_function\": {\"type\": \"known\", \"name\": \"default\", \"config\": {}}}'",
                "",
                "the embedding function cannot be modified: collection \"notes\" has no model",
                2,
            ),
            (
                "5 modify ours: a function that says nothing is refused",
                "huedb create notes -q; huedb modify notes --configuration '{\"embedding_function\": {\"type\": \"legacy\"}}'",
                "",
                "collection \"notes\" has the model all-MiniLM-L6-v2",
                2,
            ),
            (
                "5 another function of Chroma's is refused by name",
                "huedb create notes --configuration '{\"embedding_function\": {\"type\": \"known\", \"name\": \"cohere\", \"config\": {}}}'",
                "",
                "\"cohere\" is not part of huedb",
                2,
            ),
            (
                "5 trust_remote_code is never looked at",
                "huedb create notes --configuration '{\"embedding_function\": {\"type\": \"known\", \"name\": \"sentence_transformer\", \"config\": {\"trust_remote_code\": true}}}'",
                "",
                "is not part of huedb",
                2,
            ),
            (
                "5 a conflict with the persisted function: add",
                "huedb create notes --model hash-8 -q; huedb add notes --id a --document x --model hash-16",
                "",
                "was made with the model hash-8",
                2,
            ),
            (
                "5 a conflict with the persisted function: query",
                "huedb create notes --model hash-8 -q; huedb query notes x --model hash-16",
                "",
                "was made with the model hash-8",
                2,
            ),
            (
                "5 texts are embedded, embeddings are taken as they are",
                "huedb create notes --model hash-2 --space l2 -q; huedb add notes --id a --document 'red fox' -q
                 huedb add notes --id b --embedding '[3, 4]' --document 'red fox' -q
                 huedb query notes 'red fox' -n 1 -o csv --include distances
                 huedb get notes --id b --include embeddings -o jsonl",
                "id,distance\na,0.0\n{\"id\":\"b\",\"embedding\":[3.0,4.0]}",
                "",
                0,
            ),
            (
                "5 a separate embed_query hook: the question's own prefix",
                "huedb create notes --model hash-8 --space l2 -q; huedb add notes --id a --document 'red fox' -q
                 huedb add notes --id b --document 'ask red fox' -q; huedb query notes 'red fox' -n 1 -o ids
                 huedb modify notes --query-prefix 'ask ' -q; huedb query notes 'red fox' -n 1 -o ids",
                "a\nb",
                "",
                0,
            ),
            (
                "5 a document prefix is for collections without records",
                "huedb create notes --model hash-8 --space l2 -q; huedb modify notes --document-prefix 'red ' -q
                 huedb add notes --id a --document 'fox' -q; huedb query notes 'red fox' --max-distance 0 -o ids
                 huedb modify notes --document-prefix 'blue '",
                "a",
                "the document prefix cannot change",
                2,
            ),
        ],
    );
}
