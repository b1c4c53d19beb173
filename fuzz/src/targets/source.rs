//! Decisions out of bytes. What has run out answers zero.

#[derive(Clone)]
pub struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn has_more(&self) -> bool {
        !self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// A number below `end`, which is at most 256.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    pub fn chance(&mut self, of_256: u8) -> bool {
        self.byte() < of_256
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub fn u64(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// Up to `max` bytes as they are.
    pub fn take(&mut self, max: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(max.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub fn rest(&mut self) -> &'a [u8] {
        self.take(usize::MAX)
    }
}

/// Cuts chunks by a number: 0 not at all, 1 into single bytes, otherwise at random.
pub fn cuts(seed: u64) -> Box<dyn FnMut(usize) -> usize> {
    let mut state = seed | 1;
    Box::new(move |bytes| match seed {
        0 => bytes,
        1 => 1,
        _ => {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let most = if state & 1 == 0 { 8 } else { bytes.max(1) };
            1 + usize::try_from(state >> 8).unwrap_or(0) % most
        }
    })
}

/// A message whose length may lie.
pub fn framed(source: &mut Source<'_>, tags: &[u8]) -> Vec<u8> {
    let tag = if source.chance(240) {
        source.pick(tags)
    } else {
        source.byte()
    };
    let most = if source.chance(230) { 24 } else { 255 };
    let bytes = source.below(most);
    let body = source.take(bytes);
    let length = match source.byte() {
        0..245 => body.len() + 4,
        245..248 => source.below(256),
        248..252 => body.len() + 4 + source.below(16),
        252 => 0x7fff_ffff,
        _ => usize::try_from(source.u64() & 0xffff_ffff).unwrap_or(0),
    };
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    [&[tag], &length.to_be_bytes()[..], body].concat()
}
