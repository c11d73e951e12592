//! What to do about an error of the library, with the flags and verbs that do it.
//!
//! Knows nothing of the errors themselves. Invariant: what names neither is worded by the library alone.

use huedb::error::{Advice, Remark};

/// Words a remark.
pub(crate) fn remark(remark: &Remark) -> String {
    let advice = remark.advice.as_ref().map(|advice| format!("; {}", words(advice)));
    format!("{}{}", remark.text, advice.unwrap_or_default())
}

/// A value as a shell takes it; a comma outside of braces is an ordinary character to it.
fn typed(value: &str) -> std::borrow::Cow<'_, str> {
    let is_plain = |part: &str| shlex::try_quote(part).is_ok_and(|quoted| quoted == part);
    if value.split(',').all(is_plain) { value.into() } else { shlex::try_quote(value).unwrap_or(value.into()) }
}

/// The flag as it is typed, where there is a guess.
fn document_flag(likely: Option<&String>) -> String {
    format!("--document {}", likely.map_or("COLUMN".into(), |name| typed(name)))
}

/// The flag that gives a column this type, as it is typed; of a name with a comma, in double quotes.
fn types_flag(name: &str, kind: &str) -> String {
    let part = format!("{name}:{kind}");
    let part = if part.contains([',', '"']) { format!("\"{}\"", part.replace('"', "\"\"")) } else { part };
    format!("--types {}", typed(&part))
}

/// Words an advice for who types commands.
pub(crate) fn words(advice: &Advice) -> String {
    match advice {
        Advice::ExportEverything => "create one with `huedb export --all`".into(),
        Advice::NameQuestionColumn => {
            "name the column of the questions text, query, question or document; or use --format text".into()
        }
        Advice::BringInto(name) => format!("--into {name} brings it over under that name"),
        Advice::MakeToken => {
            "create one with `huedb token create admin --role admin`, or say with --anonymous what may be done without"
                .into()
        }
        Advice::EncryptConnections => {
            "give --tls-cert and --tls-key, or --trusted-proxy for a proxy that encrypts; --insecure does without"
                .into()
        }
        Advice::PrintSchema => {
            "the role lacks a right; whoever has it can run what `huedb info --schema` prints, and grant the role the schema".into()
        }
        Advice::ReadChromaFolder => "import the folder it keeps its data in with --from-chroma, or upgrade it".into(),
        Advice::NameOtherDatabase => {
            "--tenant and --database name another one; without a collection all of them are read".into()
        }
        Advice::GiveToken => {
            "give its token with --token-file FILE, with --token-command COMMAND, or in HUEDB_TOKEN (of Chroma also \
             CHROMA_TOKEN, or CHROMA_AUTHORIZATION for the header of that name)"
                .into()
        }
        Advice::CheckDatabase => "check that --tenant and --database are those of the server".into(),
        Advice::NameIdColumn => "name the id's column with --id, or use --id auto to make ids from the content".into(),
        Advice::NameTextColumn(likely) => format!("say which holds the text: {}", document_flag(likely.as_ref())),
        Advice::NameIdAndTextColumns(likely) => format!(
            "say which holds the text, and how ids are made: {} --id auto (or --id COLUMN)",
            document_flag(likely.as_ref())
        ),
        Advice::ChooseMetadata => "choose the columns to keep with --metadata".into(),
        Advice::ReadAsText(name) => format!("{} makes all of it text", types_flag(name, "str")),
        Advice::ReadAsNumbers(name) => format!("{} makes it numbers", types_flag(name, "float")),
        Advice::ReadAsDecimalComma(name) => format!("{} makes it numbers", types_flag(name, "decimal-comma")),
        Advice::Both(one, other) => format!("{}; {}", words(one), words(other)),
        Advice::NameEncoding(encoding) => format!("say what it is in, for example --encoding {encoding}"),
        Advice::AskWithSql => "say which rows: --from-sql 'select ... from TABLE'".into(),
        Advice::Flatten => "--flatten makes a key of each field in it".into(),
        Advice::ReadAsDocument => "--format text makes one document of it".into(),
        Advice::KeepEmbedding => "give one, or leave the old one with --keep-embedding".into(),
        Advice::TellFoldersApart(folder) => format!(
            "--prefix P gives the files of this one other ids, --moved-from {folder} says that this is the same folder \
             under another name"
        ),
        Advice::GiveEmbeddings(collection) => {
            format!("questions need --embedding until `huedb reembed {collection} --model MODEL`")
        }
        Advice::ImportOnly(format) => format!("only `huedb import` reads it; write it as {format} first"),
        Advice::Decompress(_) => format!("{advice} | huedb import NAME -"),
        Advice::NameTableFormat => "leave that out, or say with --format which kind of table the source is".into(),
        Advice::OnlyForMatrix => "--ids and --rows say what the rows of one are".into(),
        Advice::DetectFormat => "omit --format; the type is detected from the content".into(),
        Advice::NameFormat => "name what it is with --format".into(),
        Advice::GiveMatrixIds => {
            "give --ids FILE with one id a line, --rows FILE with ids and more, or --id auto".into()
        }
        Advice::GiveDocuments(collection) => {
            format!("give them a document (`huedb update {collection} --id ID --document TEXT`), or delete them")
        }
        Advice::FinishReembedding(collection) => {
            format!("finish that first, or give it up with `huedb reembed {collection} --discard`")
        }
        Advice::Encrypt(None) => "encrypt it with `huedb encrypt`".into(),
        Advice::Encrypt(Some(path)) => format!("encrypt it with `huedb encrypt {}`", path.display()),
        Advice::Rekey => "change its key with `huedb rekey`, or make it plain with `huedb decrypt`".into(),
        Advice::UseNewFile => "read it into a new file, named with --db".into(),
        other => words_of_models(other),
    }
}

/// Words an advice about models and what runs them.
fn words_of_models(advice: &Advice) -> String {
    match advice {
        Advice::InstallRuntime => "install it with `huedb setup`, or leave HUEDB_RUNTIME unset to use rten".into(),
        Advice::InstallRuntimeForModel => format!("{advice} with `huedb setup`"),
        Advice::SupplyRuntime => {
            "give a library with `huedb setup --from FILE`, or do without: rten runs the models".into()
        }
        Advice::SupplyRuntimeOffline => {
            "without a network, get the onnxruntime wheel or library on another machine and give it with `huedb setup \
             --from FILE`, or do without: rten runs the models"
                .into()
        }
        Advice::NameModel => {
            "leave it out and name a model with --model; `huedb model list` says which there are".into()
        }
        Advice::Reembed => "`huedb reembed` re-embeds the documents".into(),
        Advice::NamePooling => "say which to use with --pooling".into(),
        Advice::InstallFolderOffline => {
            "unset HF_HUB_OFFLINE, or copy the model's folder here and add it with `huedb model add`".into()
        }
        Advice::InstallFolder => {
            "check the network and HF_ENDPOINT; `huedb model add DIR` installs a folder without either".into()
        }
        Advice::ChooseGraph(graphs) => format!("choose one with --file: {}", graphs.join(", ")),
        Advice::NameKeyVariable => {
            "set and export a variable, and name it as in --api-key-env OPENAI_API_KEY; or give --api-key-command".into()
        }
        Advice::GiveServiceKey => {
            "it wants a key: add the model with --api-key-env VARIABLE or --api-key-command COMMAND".into()
        }
        Advice::GoOnLater => "what was stored is kept; run the same command again once the service answers".into(),
        Advice::AddServiceAnew(name) => format!(
            "`huedb model add {name}-2 --endpoint URL` adds it under another name, `huedb reembed COLLECTION --model \
             {name}-2` embeds a collection with it"
        ),
        Advice::ShortenTexts => {
            "where a text is longer than the model reads, `huedb import --chunk N` stores it in chunks, or add the model \
             with --truncate where its API has that"
                .into()
        }
        Advice::InstallReranker => "install a cross-encoder with `huedb model add DIR --reranker`".into(),
        Advice::RerankWith => "rerank hits with `huedb query --rerank MODEL`, and name another model here".into(),
        Advice::InstallSparse => "install a SPLADE-like model with `huedb model add DIR --sparse`".into(),
        Advice::SearchTermsWith => {
            "use it for hybrid queries, with `huedb create NAME --sparse-model MODEL`, and name another model here".into()
        }
        Advice::LimitTokens(most) => format!("{advice}: --max-tokens {most}"),
        Advice::ConvertWeights => "convert its model.safetensors with --precision int8".into(),
        Advice::LeaveUnconverted => "without --precision its ONNX graph, where it has one, runs on ONNX Runtime".into(),
        plain => plain.to_string(),
    }
}
