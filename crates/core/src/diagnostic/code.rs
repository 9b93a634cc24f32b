//! The stable codes. Each has a page `docs/errors/CODE.md` and a case in `tests/invalid`.
//!
//! RB1xx: text and structure. RB2xx: templates, expressions and references. RB3xx: meaning of a runbook. RB4xx: variables and their
//! sources. RB5xx: what happens while a runbook runs.

use std::fmt;
use std::io::Read as _;

use flate2::read::ZlibDecoder;

macro_rules! codes {
    ($($name:ident = $text:literal, $title:literal;)*) => {
        /// A stable code, such as `RB101`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $title] $name,)* }

        impl Code {
            /// Every code there is, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as it is printed.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $text,)* } }

            /// What it is about, in a few words.
            pub const fn title(self) -> &'static str { match self { $(Self::$name => $title,)* } }
        }
    };
}

/// All pages, each with a NUL behind it, as the build script packs them.
static PAGES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pages.z"));

impl Code {
    /// The page that `runbook explain` shows.
    pub fn page(self) -> String {
        let (mut all, heading) = (String::new(), format!("# {self}: "));
        // Nothing can be wrong with it: a test reads every page.
        let _ = ZlibDecoder::new(PAGES).read_to_string(&mut all);
        all.split('\0').find(|page| page.starts_with(&heading)).unwrap_or_default().to_owned()
    }
}

codes! {
    Unreadable = "RB100", "the file cannot be read";
    Syntax = "RB101", "the file is not valid TOML";
    NotUtf8 = "RB102", "the file is not UTF-8";
    TooLarge = "RB103", "the file is too large for a runbook";
    TomlOneOne = "RB104", "something that only TOML 1.1 knows";
    HiddenCharacter = "RB105", "a character that a reader does not see";
    Format = "RB106", "the version of the format is missing or not known";
    NotYet = "RB107", "a part of the format that this version does not carry out";
    UnknownKey = "RB110", "a key that is not known";
    WrongType = "RB111", "a value of the wrong type";
    MissingKey = "RB112", "a key that is needed is missing";
    BadValue = "RB113", "a value that is not accepted";
    BadName = "RB114", "a name that does not have the form of one";
    KeyOutOfPlace = "RB115", "a key of the step inside a table of its action";
    NoAction = "RB116", "nothing says what to do";
    SeveralActions = "RB117", "more than one action";
    UnknownAction = "RB118", "an action that does not exist";
    TemplateNotAllowed = "RB119", "a template where only a written value will do";
    FieldsTogether = "RB120", "fields of an action that do not go together";
    ValueSource = "RB121", "nothing, or too much, says where a value comes from";

    TemplateSyntax = "RB201", "a template or expression is not well-formed";
    UnknownHelper = "RB202", "a helper or block does not exist";
    HelperArguments = "RB203", "a helper is called with the wrong arguments";
    TemplateRefused = "RB204", "a part of Handlebars that runbooks do not take";
    ShellPlace = "RB205", "a value stands where a shell script is not safe for it";
    SqlPlace = "RB206", "a value stands where an SQL text is not safe for it";
    UnknownName = "RB210", "a name that stands for nothing";
    UnknownOutput = "RB211", "an output that does not exist";
    NotRunYet = "RB212", "an output of something that may not have run yet";
    MaySkip = "RB213", "an output of something that may have been skipped";
    ValueType = "RB214", "a value of a type that its place does not take";
    NotWhole = "RB215", "a text calculates with a value that is no whole number";
    BashOnly = "RB216", "a script for `sh` has something that only bash knows";
    FormOutOfPlace = "RB217", "a word on how a value is written, in a place that does not take it";
    EnvExecuted = "RB218", "a script executes a value that it gets through its environment";
    UrlPlace = "RB219", "a value stands where a URL is not safe for it";

    UnknownTarget = "RB301", "a target that is not declared";
    WrongTargetKind = "RB302", "a target of another kind";
    Empty = "RB303", "nothing to do";
    ProbeChanges = "RB304", "a probe or proof that changes something";
    EndlessRetry = "RB305", "a retry without an end";
    NoTime = "RB306", "a time limit of no time at all";
    DuplicateId = "RB310", "an id that is there twice";
    UnknownUnit = "RB311", "a step or check that does not exist";
    NeedsCycle = "RB312", "steps that wait for each other";
    NoFate = "RB313", "a change without a word on what becomes of it";
    SeveralFates = "RB314", "a change with several words on what becomes of it";
    BadCover = "RB315", "a `covered_by` that covers nothing";
    ChangesInCheck = "RB316", "a check, verify or monitor that changes something";
    SecretRefused = "RB317", "a secret where others can read it";
    SecretDecides = "RB318", "a secret that decides what is done, or names something";
    Useless = "RB319", "something that has no effect";
    RiskyRetry = "RB320", "a retry of what must not be done twice";
    ValueOrder = "RB321", "a value that uses one below it";
    LeaseTime = "RB322", "a lock that lasts too short or too long";
    CallPlace = "RB330", "a call where none can stand";
    CallKey = "RB331", "a key that means nothing on a call";
    CallFile = "RB332", "a called file that cannot be called";
    CallCycle = "RB333", "runbooks that call each other";
    CallTooLate = "RB334", "something that a call needs before the run, and that comes later";
    CallLocks = "RB335", "called runbooks whose locks are kept in two places";

    MissingVariable = "RB401", "a variable has no value";
    UnknownVariable = "RB402", "a value is given for a variable that is not declared";
    VariableType = "RB403", "a variable's value is not of its type";
    VariablePattern = "RB404", "a variable's value does not match its pattern";
    VariableChoice = "RB405", "a variable's value is none of its choices";
    VariableBounds = "RB406", "a variable's value is out of its bounds";
    DefaultCycle = "RB407", "the defaults of variables wait for one another";
    DefaultFault = "RB408", "a variable's default cannot be worked out";
    ShortSecret = "RB409", "a secret that cannot be masked";
    BadPattern = "RB411", "a pattern that is no regular expression";
    VarRules = "RB412", "rules of a variable that do not fit its type";
    VarValue = "RB413", "a default or an example that would not be accepted";
    UnusedVariable = "RB414", "a variable that nothing uses";
    ValueUnreadable = "RB420", "a variable's value cannot be read from where it is kept";
    Selection = "RB430", "`--from`, `--until` or `--skip` names what cannot be left out";
    SelectionNeeded = "RB431", "a step that others need is left out";
    ValueFile = "RB440", "a file of `[values]` cannot be read";
    ValueSyntax = "RB441", "a file of `[values]` is not well-formed";
    ValueKey = "RB442", "something of `[values]` is not there";
    ValueFault = "RB443", "a value cannot be worked out";
    ScriptSyntax = "RB450", "a script that its shell cannot read";
    RunbookChanged = "RB470", "the runbook was changed since its run began";
    VariableDiffers = "RB471", "a variable has another value than its run began with";
    CannotTakeOver = "RB472", "a changed runbook does not fit what was done";
    AnswerUnknown = "RB473", "an answer about a step that is not there";

    ActionInvalid = "RB501", "a value was wrong when its step was prepared";
    ServiceUnreachable = "RB502", "a service cannot be reached";
    AccessDenied = "RB503", "a service or file refuses access";
    ThingNotFound = "RB504", "something is not there";
    Conflict = "RB505", "something is in the way";
    ActionFailed = "RB506", "an action failed";
    Unexpected = "RB507", "a result is not what the runbook expects";
    TimedOut = "RB508", "an action took longer than it may";
    Disconnected = "RB509", "a connection was lost in the middle";
    Exhausted = "RB510", "something is used up";
    PersonRefused = "RB511", "a person said no";
    PersonNeeded = "RB512", "a person is needed and nobody can be asked";
    ProgramFault = "RB513", "a fault of runbook itself";
    PlanStale = "RB514", "the plan that was reviewed is not the plan that would run";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
