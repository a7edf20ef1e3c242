//! Gathering photos and words.

use super::{Album, Material, Photo, Wrong};
use crate::bot::kind::Kind;

impl Material {
    /// Albums hold ten at most.
    const ALBUM_LIMIT: usize = 10;

    /// Adds a photo where `most` are wanted. One photo where one is wanted replaces the one before.
    pub(super) fn add(
        &mut self,
        photo: Photo,
        caption: Option<String>,
        album: Option<String>,
        most: usize,
    ) -> Option<Wrong> {
        let message_id = photo.message_id;
        let known = self.photos.iter().any(|have| have.message_id == message_id);
        let same_album =
            album.is_some() && self.album.as_ref().map(|mine| &mine.id) == album.as_ref();
        let limit = if same_album { Self::ALBUM_LIMIT } else { most };
        if !known {
            if most == 1 && !same_album {
                self.photos.clear();
            } else if self.photos.len() >= limit {
                return Some(Wrong::TooManyPhotos);
            }
            self.photos.push(photo);
        }
        if caption.is_some() {
            self.prompt = caption;
        }
        self.album = album.map(|id| Album { id, last: message_id, open: true });
        None
    }

    pub(super) fn close_album(&mut self) {
        if let Some(album) = &mut self.album {
            album.open = false;
        }
    }

    /// Leaves out what a kind can't take; answers how many.
    pub(super) fn cut(&mut self, kind: Kind) -> usize {
        let dropped = self.photos.len().saturating_sub(*kind.photos().end());
        self.photos.truncate(self.photos.len() - dropped);
        dropped
    }
}
