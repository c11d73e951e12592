//! What to do about an error, as a value, so that each program can say it in its own words.
//!
//! [`Display`](fmt::Display) words it for a program that calls the library. Invariant: that wording names no command and no
//! flag; the command line words those variants that have some.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// What to do about an error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// A sentence that is the same in every program.
    Text(Cow<'static, str>),
    /// Read a dump, which an export of everything writes.
    ExportEverything,
    /// Name the column of the questions, or read the input as text.
    NameQuestionColumn,
    /// Read the data folder of a Chroma server that is too old to be asked.
    ReadChromaFolder,
    /// Name another tenant or database of the source.
    NameOtherDatabase,
    /// Give the token of a server.
    GiveToken,
    /// Compare tenant and database with those of the server.
    CheckDatabase,
    /// Name the column that holds the ids.
    NameIdColumn,
    /// Name the column that holds the text, such as this one.
    NameTextColumn(Option<String>),
    /// Name the columns that hold the ids and the text, such as this one.
    NameIdAndTextColumns(Option<String>),
    /// Name the columns that become metadata.
    ChooseMetadata,
    /// Read this column or field as text.
    ReadAsText(String),
    /// Read this column as floats.
    ReadAsNumbers(String),
    /// Read this column as floats that have a decimal comma.
    ReadAsDecimalComma(String),
    /// Do the one; and the other, or for who wants that.
    Both(Box<Self>, Box<Self>),
    /// Say that text is in another encoding, such as this one.
    NameEncoding(&'static str),
    /// Ask the database a question whose answer is the table.
    AskWithSql,
    /// Make metadata of what stands in nested objects.
    Flatten,
    /// Read the table as one document.
    ReadAsDocument,
    /// Give a new embedding, or keep the one of the old document.
    KeepEmbedding,
    /// Give the files of a folder other ids, or say that this folder is the same one.
    TellFoldersApart(String),
    /// Bring embeddings of questions, or re-embed this collection.
    GiveEmbeddings(String),
    /// Import the input, or convert it to one of these formats first.
    ImportOnly(&'static str),
    /// Decompress the input with this command first.
    Decompress(&'static str),
    /// Name the kind of table, or ask for nothing that only tables have.
    NameTableFormat,
    /// Ids and further fields beside the input are for a matrix.
    OnlyForMatrix,
    /// Leave the detection of the format to the library.
    DetectFormat,
    /// Name the format.
    NameFormat,
    /// Give ids for the rows of a matrix.
    GiveMatrixIds,
    /// Give the records of this collection documents, or delete them.
    GiveDocuments(String),
    /// Finish re-embedding this collection, or give it up.
    FinishReembedding(String),
    /// Encrypt this file, or the one at hand.
    Encrypt(Option<PathBuf>),
    /// Change the key of an encrypted file, or decrypt it.
    Rekey,
    /// Read the dump into a new file.
    UseNewFile,
    /// Bring the collection over under this name.
    BringInto(String),
    /// Install ONNX Runtime, or use rten.
    InstallRuntime,
    /// Install ONNX Runtime, which runs more models than rten.
    InstallRuntimeForModel,
    /// Supply a library of ONNX Runtime.
    SupplyRuntime,
    /// Fetch ONNX Runtime on a machine with a network.
    SupplyRuntimeOffline,
    /// Name a model instead of an embedding function of Chroma's.
    NameModel,
    /// Re-embed the documents of the collection.
    Reembed,
    /// Name the pooling.
    NamePooling,
    /// Install the model's folder where the hub is not to be asked.
    InstallFolderOffline,
    /// Install the model's folder where the hub cannot be reached.
    InstallFolder,
    /// Make a token before a server is reached by others.
    MakeToken,
    /// Have a server encrypt, or stand behind what does.
    EncryptConnections,
    /// Choose one of these graphs.
    ChooseGraph(Vec<String>),
    /// Ask for at most this many tokens.
    LimitTokens(usize),
    /// Name a variable that holds the key of a service.
    NameKeyVariable,
    /// Say where the key of a service is.
    GiveServiceKey,
    /// Run the same once the service answers.
    GoOnLater,
    /// Add the service of this model under another name, and re-embed.
    AddServiceAnew(String),
    /// Cut documents before they are embedded.
    ShortenTexts,
    /// Convert the weights of a model that has no graph.
    ConvertWeights,
    /// Leave the weights of a model as they are.
    LeaveUnconverted,
    /// Install the model as a reranker.
    InstallReranker,
    /// Rerank the hits of a query with the model.
    RerankWith,
    /// Install the model as a sparse one.
    InstallSparse,
    /// Make a collection whose hybrid queries use the model.
    SearchTermsWith,
    /// Have the tables in PostgreSQL made by whoever has the rights.
    PrintSchema,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(text) => text,
            Self::ExportEverything => "an export of all collections writes one",
            Self::NameQuestionColumn => {
                "name the column of the questions text, query, question or document; or read the input as text"
            }
            Self::PrintSchema => {
                "the role lacks a right; whoever has it can make the tables from the schema that is printed"
            }
            Self::ReadChromaFolder => "read the folder it keeps its data in, or upgrade it",
            Self::NameOtherDatabase => "name another tenant or database; without a collection all of them are read",
            Self::GiveToken => "give the token of the server",
            Self::CheckDatabase => "check that the tenant and the database are those of the server",
            Self::NameIdColumn => "name the column of the ids, or have ids made from the content",
            Self::NameTextColumn(_) => "name the column of the text",
            Self::NameIdAndTextColumns(_) => "name the columns of the ids and of the text",
            Self::ChooseMetadata => "choose the columns to keep as metadata",
            Self::ReadAsText(_) => "its type may be given as str, which makes all of it text",
            Self::ReadAsNumbers(_) => "its type may be given as float, which makes it numbers",
            Self::ReadAsDecimalComma(_) => "its type may be given as decimal-comma, which makes it numbers",
            Self::Both(one, other) => return write!(f, "{one}; {other}"),
            Self::NameEncoding(encoding) => return write!(f, "convert it first: iconv -f {encoding} -t utf-8"),
            Self::AskWithSql => "ask it for the rows of a table, or write that as csv first",
            Self::Flatten => "flattened, each of its fields is a key of its own",
            Self::ReadAsDocument => "given the format text, one document is made of it",
            Self::KeepEmbedding => "give one, or keep the old one",
            Self::TellFoldersApart(_) => "give the files of this one other ids, or say that it is the same folder",
            Self::GiveEmbeddings(_) => "give embeddings, or re-embed the documents",
            Self::ImportOnly(format) => return write!(f, "it can only be imported; write it as {format} first"),
            Self::Decompress(command) => return write!(f, "unpack it first: {command} FILE"),
            Self::NameTableFormat => "leave that out, or say which kind of table the source is",
            Self::OnlyForMatrix => "files of ids or rows are for a matrix",
            Self::DetectFormat => "name no format; it is detected from the content",
            Self::NameFormat => "name its format",
            Self::GiveMatrixIds => "give a file of ids, a file of rows, or have ids made from the content",
            Self::GiveDocuments(_) => "give them a document, or delete them",
            Self::FinishReembedding(_) => "finish that first, or discard it",
            Self::Encrypt(_) => "encrypt it",
            Self::Rekey => "change its key, or decrypt it",
            Self::UseNewFile => "read it into a new file",
            Self::BringInto(name) => return write!(f, "bring it over under another name, such as {name}"),
            Self::InstallRuntime => "install it, or leave HUEDB_RUNTIME unset to use rten",
            Self::InstallRuntimeForModel => "rten runs fewer models than ONNX Runtime; install that",
            Self::SupplyRuntime => "supply a library of it, or do without: rten runs the models",
            Self::SupplyRuntimeOffline => {
                "without a network, get the onnxruntime wheel or library on another machine and supply it, or do \
                 without: rten runs the models"
            }
            Self::NameModel => "leave it out and name a model",
            Self::Reembed => "re-embed the documents",
            Self::NamePooling => "name the pooling",
            Self::InstallFolderOffline => "unset HF_HUB_OFFLINE, or copy the model's folder here and install it",
            Self::InstallFolder => "check the network and HF_ENDPOINT; a folder is installed without either",
            Self::MakeToken => "make a token first, or say what requests without one may do",
            Self::EncryptConnections => {
                "give it a certificate and its key, name the proxies that encrypt for it, or say that nobody listens"
            }
            Self::ChooseGraph(graphs) => return write!(f, "choose one: {}", graphs.join(", ")),
            Self::NameKeyVariable => {
                "set a variable to the key, and give its name; or give a command that prints the key"
            }
            Self::GiveServiceKey => "it wants a key: say which variable holds it, or which command prints it",
            Self::GoOnLater => "what was stored is kept, and the same can be run again once the service answers",
            Self::AddServiceAnew(_) => "add it under another name, and re-embed its collections with that",
            Self::ShortenTexts => "where a text is longer than the model reads, store it in chunks",
            Self::InstallReranker => "a cross-encoder that is installed as a reranker is one",
            Self::RerankWith => "rerank the hits of a query with it, and name another model here",
            Self::InstallSparse => "a SPLADE-like model that is installed as a sparse one is one",
            Self::SearchTermsWith => "it is for hybrid queries: name it as the sparse model, and another model here",
            Self::LimitTokens(most) => return write!(f, "the longest it runs has {most}"),
            Self::ConvertWeights => "have its model.safetensors converted to int8",
            Self::LeaveUnconverted => "leave its weights as they are: ONNX Runtime runs its graph, where it has one",
        })
    }
}

/// Something that is to be said, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What is so.
    pub text: String,
    /// What to do about it.
    pub advice: Option<Advice>,
}

impl Remark {
    pub(crate) fn with(text: impl Into<String>, advice: Advice) -> Self {
        Self { text: text.into(), advice: Some(advice) }
    }

    /// Says first what it is about.
    pub(crate) fn of(self, place: impl fmt::Display) -> Self {
        Self { text: format!("{place} {}", self.text), ..self }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        self.advice.iter().try_for_each(|advice| write!(f, "; {advice}"))
    }
}

impl<T: Into<String>> From<T> for Remark {
    fn from(text: T) -> Self {
        Self { text: text.into(), advice: None }
    }
}

impl From<&str> for Advice {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned().into())
    }
}

impl From<String> for Advice {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}
