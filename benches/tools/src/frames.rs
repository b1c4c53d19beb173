//! Walks a stream of backend messages in pieces of any size and notes what matters: how many ended, whether one of
//! them was ReadyForQuery or ErrorResponse. Bodies are skipped by their length.

#[derive(Default)]
pub struct Walker {
    head: [u8; 5],
    head_len: usize,
    body_left: usize,
    /// A ReadyForQuery has ended since [`Walker::reset`].
    pub ready: bool,
    /// An ErrorResponse has begun since [`Walker::reset`].
    pub failed: bool,
}

impl Walker {
    pub fn reset(&mut self) {
        self.ready = false;
        self.failed = false;
    }

    pub fn feed(&mut self, mut bytes: &[u8]) {
        loop {
            let skipped = self.body_left.min(bytes.len());
            self.body_left -= skipped;
            bytes = &bytes[skipped..];
            if self.body_left > 0 {
                return;
            }
            if self.head_len == 5 {
                self.ready |= self.head[0] == b'Z';
                self.head_len = 0;
            }
            if bytes.is_empty() {
                return;
            }
            let taken = (5 - self.head_len).min(bytes.len());
            self.head[self.head_len..self.head_len + taken].copy_from_slice(&bytes[..taken]);
            self.head_len += taken;
            bytes = &bytes[taken..];
            if self.head_len < 5 {
                return;
            }
            self.failed |= self.head[0] == b'E';
            let length = u32::from_be_bytes([self.head[1], self.head[2], self.head[3], self.head[4]]);
            self.body_left = (length as usize).saturating_sub(4);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Walker;

    #[test]
    fn any_split_of_the_same_bytes_finds_the_same_messages() {
        let stream = b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I";
        for cut in 0..=stream.len() {
            let mut walker = Walker::default();
            walker.feed(&stream[..cut]);
            assert_eq!(walker.ready, cut == stream.len());
            walker.feed(&stream[cut..]);
            assert!(walker.ready && !walker.failed);
        }
    }
}
