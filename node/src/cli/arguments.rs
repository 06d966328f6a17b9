//! What can be said on the command line.

use crate::control::request::Part;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// A forum without servers: every document has a network of its own.
#[derive(Debug, Parser)]
#[command(name = "cliqueclique", version, after_help = EXITS)]
pub(crate) struct Arguments {
    /// Data folder [default: $XDG_DATA_HOME/cliqueclique]
    #[arg(long, global = true, value_name = "FOLDER", env = "CLIQUECLIQUE_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Account [default: the first in the settings]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// Answer as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to do
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const EXITS: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 no node runs, \
                     4 not found, 5 refused, 6 the store is damaged or of another version, \
                     7 too busy, 8 written already.\n\
                     Documents are named by their id, or by its first digits (4 or more) if \
                     they are here.";

/// A command.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a data folder with one account
    Init {
        /// Where to take connections: i2p, tcp:IP:PORT, or tcp for a free port of 127.0.0.1
        /// [default: i2p]
        #[arg(long, value_name = "PLACE")]
        listen: Option<String>,
    },
    /// Run the node until it is stopped
    Run {
        /// Write all that happens to an account's core to a new file, for `cliqueclique-sim
        /// replay-node`. The account's secret key is in it
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
    },
    /// Look for mistakes in the settings, or show them
    #[command(subcommand)]
    Config(Config),
    /// Look for damage in the store: pages, documents, records, and whether they fit together. Exit
    /// code 0: whole, or mended; 6: damaged; 5: a node runs, so nothing was mended
    Check {
        /// Make a new store of all that is whole; the old one is kept beside it, under a name with
        /// the date. No node may run
        #[arg(long)]
        repair: bool,
    },
    /// Copy keys, settings and store into a new folder, also while the node runs
    Backup {
        /// The new folder
        to: PathBuf,
    },
    /// Make the data folder, which must not be there, of a backup
    Restore {
        /// The backup
        from: PathBuf,
    },
    /// Show four nodes on this machine that make a forum, lose one and heal
    Demo {
        /// A new folder for their data [default: in the folder for temporary files]
        folder: Option<PathBuf>,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages, one for each command, into a folder
    Man {
        /// The folder
        folder: PathBuf,
    },
    /// A command about an account
    #[command(flatten)]
    Account(AccountVerb),
}

/// A command about an account.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountVerb {
    /// Stop the running node
    Stop,
    /// Tell how the node does
    Status,
    /// Print one string with which others can join a document
    Invite {
        /// The document
        document: String,
    },
    /// Join a document by an invitation, or by its id and addresses
    Join {
        /// An invitation, or a document's id
        what: String,
        /// Addresses of peers that have it (tcp:IP:PORT/KEY)
        addresses: Vec<String>,
        /// Own part in its network
        #[arg(long, value_enum, default_value_t = Part::Follow)]
        mode: Part,
        /// Wait at most so many seconds until it is here
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        wait: u64,
    },
    /// Forums
    #[command(subcommand)]
    Forum(Forum),
    /// Write below a document
    #[command(visible_alias = "comment")]
    Post {
        /// The document to write below
        parent: String,
        /// The text; from the input if left out
        text: Option<String>,
        /// Own part in its network
        #[arg(long, value_enum, default_value_t = Part::Follow)]
        mode: Part,
    },
    /// Put a file below a document: at most 95,000 bytes; images lose what tells of places and times
    Attach {
        /// The document to put it below
        parent: String,
        /// The file
        file: PathBuf,
    },
    /// Attach a document that is here below another
    Link {
        /// The document to attach below
        parent: String,
        /// The document to attach
        child: String,
        /// A text about it
        text: Option<String>,
    },
    /// Show a document
    Read {
        /// The document
        document: String,
        /// Do not mark it as read
        #[arg(long)]
        peek: bool,
        /// Mark it as unread
        #[arg(long, conflicts_with = "peek")]
        unread: bool,
    },
    /// List forums, or a document and what stands below it
    List {
        /// The document
        document: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 10_000)]
        most: usize,
    },
    /// Find documents that have all of these words, best first
    Search {
        /// The words
        #[arg(required = true)]
        words: Vec<String>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        most: usize,
    },
    /// Write something into a new file
    #[command(subcommand)]
    Export(Export),
    /// Take in a file that `export` wrote, or an mbox
    Import(Import),
    /// Bring a document that is here below another: attached, or wrapped in a new one
    Forward {
        /// The document to bring
        document: String,
        /// The document to bring it below
        below: String,
        /// A text about it
        text: Option<String>,
        /// Quote it in a new document, instead of attaching it
        #[arg(long)]
        wrap: bool,
    },
    /// Who may use an account in the browser
    #[command(subcommand)]
    User(User),
    /// Browsers in which the account's user has signed in
    #[command(subcommand)]
    Session(Session),
    /// Tokens with which programs and feed readers come in for the account's user
    #[command(subcommand)]
    Token(Token),
    /// What was typed and not posted yet
    #[command(subcommand)]
    Draft(Draft),
    /// Show the account's node id, public key and address
    Keys,
    /// List the links to other nodes
    Peers,
    /// Show the network of a document
    Overlay {
        /// The document
        document: String,
    },
    /// A wish
    #[command(flatten)]
    Wish(Wish),
}

/// A command about users. A node that runs follows within a second.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// List them
    List,
    /// Add one, with an account of that name if there is none; the first one administrates
    Add {
        /// The name
        name: String,
        /// Where the account takes connections, as for `init` [default: i2p]
        #[arg(long, value_name = "PLACE")]
        listen: Option<String>,
        /// File with the password in its first line [default: asked, or a line of the input]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Sign one out, let them in no more, and end the account; nothing is destroyed
    Suspend {
        /// The name
        name: String,
    },
    /// Let one in again
    Resume {
        /// The name
        name: String,
    },
    /// Set a new password; all their browsers are signed out
    Password {
        /// The name
        name: String,
        /// File with the password in its first line [default: asked, or a line of the input]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Destroy a user's account for good: keys, wishes, marks, drafts, and documents that no other
    /// account here holds
    Remove {
        /// The name
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// A command about sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum Session {
    /// List them
    List,
    /// Sign a browser out
    End {
        /// The session, as the list has it
        session: String,
    },
}

/// A command about tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// List them
    List,
    /// Make one; it is shown only now
    New {
        /// What it is for
        name: String,
        /// What it opens
        #[arg(long, value_enum)]
        opens: Opens,
    },
    /// Revoke one
    Revoke {
        /// The token, as the list has it
        token: String,
    },
}

/// What a token opens.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Opens {
    /// Feeds, to be read only
    Feeds,
    /// All that the user may do
    Api,
}

/// A command about drafts.
#[derive(Debug, Subcommand)]
pub(crate) enum Draft {
    /// List them
    List,
    /// Keep a text
    Keep {
        /// The text; an empty one drops the draft
        text: String,
        /// The document that it answers [default: none, for a new forum]
        #[arg(long, value_name = "DOCUMENT")]
        below: Option<String>,
    },
}

/// What a user wants to have, or not.
#[derive(Debug, Subcommand)]
pub(crate) enum Wish {
    /// Get everything that is written below a document; its peers learn of it
    Follow {
        /// The document
        document: String,
        /// Only its own comments
        #[arg(long)]
        only: bool,
    },
    /// Get no more of what is written below a document
    Unfollow {
        /// The document
        document: String,
    },
    /// Keep a document
    Bookmark {
        /// The document
        document: String,
        /// No longer
        #[arg(long)]
        remove: bool,
    },
    /// Drop a document and what was got for its sake
    Forget {
        /// The document
        document: String,
    },
    /// Hide an author's documents (they are still passed on)
    Mute {
        /// The author's node id
        author: String,
        /// No longer
        #[arg(long)]
        remove: bool,
    },
    /// Refuse a peer
    Block {
        /// The peer's node id
        peer: String,
        /// No longer
        #[arg(long)]
        remove: bool,
    },
}

/// What to write into a file.
#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// One signed document
    Document {
        /// The document
        document: String,
        /// The new file
        file: PathBuf,
    },
    /// The file that a document is
    File {
        /// The document
        document: String,
        /// The new file
        file: PathBuf,
    },
    /// A document and all that is here below it
    Thread {
        /// The document
        document: String,
        /// The new file
        file: PathBuf,
        /// As mails, without signatures, for other programs
        #[arg(long)]
        mbox: bool,
    },
    /// The account: keys, what it follows and keeps, marks and blocks, under a passphrase
    Account {
        /// The new file
        file: PathBuf,
        /// File with the passphrase in its first line [default: asked, or a line of the input]
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
}

/// What to take in.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// The file
    pub(crate) file: PathBuf,
    /// Documents: own part in the network of the first
    #[arg(long, value_enum, default_value_t = Part::Follow)]
    pub(crate) mode: Part,
    /// Mails: the document below which they come [default: a new forum]
    #[arg(long, value_name = "DOCUMENT", conflicts_with = "name")]
    pub(crate) forum: Option<String>,
    /// Mails: name of the new forum [default: the file's]. Account: another name for it
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Account: file with the passphrase in its first line [default: asked, or a line of the
    /// input]
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// A command about forums.
#[derive(Debug, Subcommand)]
pub(crate) enum Forum {
    /// Make a forum
    New {
        /// Its name and description; from the input if left out
        text: Option<String>,
    },
}

/// A command about the settings.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Name the first mistake, its line and what was expected
    Check,
    /// Show all settings as a node would use them, and where each comes from
    Show,
}
