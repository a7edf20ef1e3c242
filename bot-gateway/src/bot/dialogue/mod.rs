//! The dialogue of a chat as a pure function: where it stood and what came in give where it stands and what to do.
//!
//! No clock, no network, no price list. A photo is known by its message, so an update that comes twice adds
//! nothing twice. Whatever can't be used is answered and changes nothing.

mod answer;
mod material;
mod step;

use serde::{Deserialize, Serialize};

pub use answer::{Answer, Question, promo_code};
pub use step::step;

use super::{kind::Kind, money::Amount};

/// Where the conversation of a chat stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum State {
    /// Outside of a dialogue: a text is a prompt for a drawing.
    #[default]
    Idle,
    /// Photos came without a word on what to do with them.
    Choosing {
        /// Names the offer in its buttons.
        id: i64,
        /// What came.
        material: Material,
    },
    /// Asked for what the draft still needs.
    Collecting(Draft),
    /// All there, waits for a yes: the user wants to be asked, the price changed or funds were missing.
    Confirming(Draft),
    /// Outside of a dialogue, with a complete request that lacked money: it can still be run by its button.
    Shelved(Draft),
    /// Being charged; kept so that the update, coming again after a crash, charges the very same. For any other
    /// update the dialogue is over.
    Paying {
        /// Of the charge.
        request_id: String,
        /// What is charged.
        draft: Draft,
        /// The message that becomes «Генерирую…»; `None`: a new one.
        spot: Option<i32>,
    },
    /// Asked beside the dialogue. Anything but words goes on with what was there before.
    Asking {
        /// What was asked.
        question: Question,
        /// What was there before; no question itself.
        then: Box<State>,
    },
    /// Words were read as the answer; kept so that the update, coming again after a crash, means the same and never
    /// becomes a prompt. For any other update it is what was there before.
    Answered {
        /// The update that brought it.
        update_id: i64,
        /// What was read.
        answer: Answer,
        /// What was there before; no question itself.
        then: Box<State>,
    },
}

/// A request in the making.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Names the dialogue in its buttons: the update that began it.
    pub id: i64,
    /// What it will be.
    pub kind: Kind,
    /// The price that the user was shown; the charge takes no more.
    pub max_price: Option<Amount>,
    /// The user says that there are photos enough.
    #[serde(default)]
    pub done: bool,
    /// It was refused for want of money.
    #[serde(default)]
    pub short: bool,
    /// What came so far.
    #[serde(default)]
    pub material: Material,
}

/// What a user sent for one request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Material {
    /// In the order of their messages.
    pub photos: Vec<Photo>,
    /// A text or a caption, trimmed, never empty.
    pub prompt: Option<String>,
    /// The album that photos last came in.
    pub album: Option<Album>,
}

/// A picture that a user sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Photo {
    /// Telegram's id of the file.
    pub file_id: String,
    /// The message that it came in; 0 for a picture of the bot's own.
    pub message_id: i32,
}

/// Photos that were sent together; Telegram doesn't say which is the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Album {
    /// Telegram's `media_group_id`.
    pub id: String,
    /// Its latest message so far.
    pub last: i32,
    /// More may come.
    pub open: bool,
}

/// What came in.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Words; not a command.
    Text(String),
    /// A photo or a picture sent as a file.
    Photo {
        /// The picture.
        photo: Photo,
        /// Its caption.
        caption: Option<String>,
        /// Its `media_group_id`.
        album: Option<String>,
    },
    /// No further photo came for a while after message `last` of the album.
    AlbumEnd {
        /// Its `media_group_id`.
        album: String,
        /// The message after which the wait began.
        last: i32,
    },
    /// Something that no dialogue takes.
    Wrong(Wrong),
    /// The button «Готово» of the dialogue.
    PhotosDone(i64),
    /// The button of a kind under an offer.
    Choose {
        /// The offer.
        id: i64,
        /// What to do with its photos.
        kind: Kind,
        /// The price on the button.
        price: Amount,
    },
    /// The yes of a confirmation.
    Confirm {
        /// Its dialogue.
        id: i64,
        /// The price on the button.
        price: Amount,
    },
    /// The no of a confirmation.
    Decline(i64),
}

/// Why something can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// More characters than a prompt may have.
    TooLong(usize),
    /// Nothing but spaces.
    Empty,
    /// Words where only photos help.
    PhotoNeeded,
    /// A photo where only words help.
    TextNeeded,
    /// A sticker.
    Sticker,
    /// A voice or video note, or audio.
    Voice,
    /// A video or animation.
    Video,
    /// A file that is no picture we take.
    FileType,
    /// A file above 20 MB.
    FileSize,
    /// Anything else.
    Other,
    /// Words where a button waits.
    PressButton,
    /// One more photo than can be used.
    TooManyPhotos,
    /// A button of a dialogue that is over.
    OldButton,
    /// No amount can be read from it.
    NoAmount,
    /// Less than can be paid in.
    TooLittle,
    /// More than can be paid in.
    TooMuch,
    /// It can't be a promo code.
    NoPromoCode,
}

/// What a draft needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Its photo.
    Photo,
    /// The photo whose face is replaced.
    Target,
    /// The photo with the new face.
    Face,
    /// So many photos more.
    MorePhotos(usize),
    /// It has so many: more of them, or words; with words there already, «Готово».
    MoreOrDone {
        /// Photos so far.
        count: usize,
        /// Words are there.
        has_prompt: bool,
    },
    /// Words.
    Prompt,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Ask for what is needed next.
    Ask {
        /// That.
        need: Need,
        /// Words came before the photos; say that they are kept.
        prompt_kept: bool,
    },
    /// Offer what can be done with so many photos.
    Offer(usize),
    /// Come back when the album may be complete.
    AwaitAlbum(Album),
    /// Everything is there. `confirmed`: the user said yes to this very draft.
    Run {
        /// That.
        draft: Draft,
        /// No need to ask.
        confirmed: bool,
    },
    /// Say why it can't be used.
    Refuse(Wrong),
    /// Do what the answer says.
    Take(Answer),
    /// The user changed their mind.
    Left,
    /// Nothing to say.
    Nothing,
}

/// Where the dialogue stands now, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// To be kept before the action is done.
    pub state: State,
    /// To be done.
    pub action: Action,
    /// Photos of an album that were too many and left out.
    pub dropped: usize,
}

impl Draft {
    /// A dialogue that begins with nothing.
    pub fn new(id: i64, kind: Kind, max_price: Option<Amount>) -> Self {
        Self { id, kind, max_price, done: false, short: false, material: Material::default() }
    }

    /// What it needs next; `None` when it can be charged.
    pub fn need(&self) -> Option<Need> {
        let count = self.material.photos.len();
        let has_prompt = self.material.prompt.is_some();
        let (least, most) = self.kind.photos().into_inner();
        if count < least {
            return Some(match self.kind {
                Kind::FaceSwap if count == 0 => Need::Target,
                Kind::FaceSwap => Need::Face,
                Kind::Merge => Need::MorePhotos(least - count),
                _ => Need::Photo,
            });
        }
        if count < most && !self.done {
            return Some(Need::MoreOrDone { count, has_prompt });
        }
        (self.kind.needs_prompt() && !has_prompt).then_some(Need::Prompt)
    }
}

#[cfg(test)]
mod tests;
