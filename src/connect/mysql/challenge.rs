//! Asks a client for a proof of its password, by `mysql_native_password` or `caching_sha2_password` (manual:
//! "Authentication Phase").
//!
//! Guarantees that a password itself is taken only where nobody can listen, and that a user who does not exist is asked
//! as others are who do.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    exchange::client_broken,
    keys::OwnKey,
    leg::{Beyond, Leg},
    secret::Way,
    seen::Seen,
};
use crate::{
    auth::{Means, Secret, Verifier, native, sha2},
    connect::{Asked, broken::Broken},
    fault::Fault,
    telemetry::metrics::LoginResult,
    wire::mysql::{
        auth::{self, CACHING_SHA2, FAST_SUCCESS, NATIVE, PASSWORD_WANTED},
        capability::Capabilities,
        greeting::Greeting,
        handshake_response::HandshakeResponse,
    },
};

const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// How a client asks for a public key.
const ASKS: &[u8] = &[2];

/// The client's end of a login.
pub(super) struct Doorway<'a> {
    pub(super) client: Leg,
    pub(super) user: &'a str,
    pub(super) own_key: &'a OwnKey,
    pub(super) seen: &'a Seen,
    /// Whether it is the client that is waited for.
    pub(super) hears_client: bool,
    /// It has had an answer that tells right passwords from wrong ones, and its guess was wrong.
    pub(super) has_guessed: bool,
}

/// Why it was not let in.
pub(super) enum Denied {
    /// And whether it has shown any.
    WrongPassword(bool),
    Broken(Broken),
}

/// What a user is asked by.
pub(super) enum Question {
    Native(native::Verifier),
    Sha2(sha2::Verifier),
    Plain(Secret),
    /// Nobody knows the user.
    Mock(Asked),
}

impl Question {
    pub(super) fn of(verifier: Option<Verifier>, asked: Asked) -> Self {
        match verifier {
            Some(Verifier::Native(verifier)) => Self::Native(verifier),
            Some(Verifier::Sha2(verifier)) => Self::Sha2(verifier),
            Some(Verifier::Plain(password)) => Self::Plain(password),
            // Those of PostgreSQL are read from no secret of MySQL's.
            None | Some(Verifier::Scram(_) | Verifier::Md5(_)) => Self::Mock(asked),
        }
    }

    /// By which method, where the client has begun with one and the server proposes one.
    fn method<'b>(&self, begun: &'b [u8], proposed: &'b [u8]) -> &'b [u8] {
        match self {
            Self::Native(_) | Self::Mock(Asked::Native) => NATIVE,
            Self::Sha2(_) | Self::Mock(Asked::Sha2) => CACHING_SHA2,
            Self::Plain(_) | Self::Mock(_) => {
                let fit = |method: &&[u8]| [NATIVE, CACHING_SHA2].contains(method);
                [begun, proposed].into_iter().find(fit).unwrap_or(NATIVE)
            }
        }
    }
}

impl Doorway<'_> {
    /// What the client has proven. `may_guess` has the last word before a proof is looked at.
    pub(super) async fn ask(
        &mut self,
        question: Question,
        greeting: &Greeting<'_>,
        response: &HandshakeResponse<'_>,
        may_guess: impl Fn() -> Result<(), Broken>,
    ) -> Result<Means, Denied> {
        let knows_methods = response.capabilities.has(Capabilities::PLUGIN_AUTH);
        let begun = if knows_methods { response.plugin } else { NATIVE };
        let method = question.method(begun, greeting.plugin);
        let mut answer = Zeroizing::new(response.answer.to_vec());
        if method != begun {
            if !knows_methods {
                return Err(Denied::Broken((
                    LoginResult::ClientProtocol,
                    Fault::client(TOO_OLD),
                    false,
                )));
            }
            // The same scramble, so that both ends know it when the client changes its user later.
            self.send(&auth::request_switch(method, &greeting.scramble))
                .await?;
            answer = self.hear().await?;
        }
        may_guess()?;
        if matches!(answer.as_slice(), [] | [0]) {
            return Err(Denied::WrongPassword(false));
        }
        if method == NATIVE {
            native(question, &answer, &greeting.scramble)
        } else {
            self.ask_sha2(question, &answer, &greeting.scramble, may_guess)
                .await
        }
    }

    async fn ask_sha2(
        &mut self,
        question: Question,
        proof: &[u8],
        scramble: &[u8],
        may_guess: impl Fn() -> Result<(), Broken>,
    ) -> Result<Means, Denied> {
        let known = match &question {
            Question::Plain(password) => Some(password.clone()),
            Question::Sha2(verifier) => self.seen.recall(self.user, verifier),
            Question::Native(_) | Question::Mock(_) => None,
        };
        if let Some(password) = &known
            && sha2::is_proof(proof, password.expose(), scramble)
        {
            self.send(&auth::more(FAST_SUCCESS)).await?;
            return Ok(Means::Password(password.clone()));
        }
        self.has_guessed = known.is_some();
        self.send(&auth::more(PASSWORD_WANTED)).await?;
        let password = self.hear_password(scramble).await?;
        may_guess()?;
        if password.expose().is_empty() {
            return Err(Denied::WrongPassword(false));
        }
        let right = is_right(&question, &password).await?;
        if !right {
            return Err(Denied::WrongPassword(true));
        }
        self.has_guessed = false;
        if let Question::Sha2(verifier) = question {
            self.seen.remember(self.user, verifier, password.clone());
        }
        Ok(Means::Password(password))
    }

    /// Without its closing zero.
    async fn hear_password(&mut self, scramble: &[u8]) -> Result<Secret, Denied> {
        let mut said = self.hear().await?;
        if Way::of(&self.client.stream) == Way::Open && *said != [0] {
            let own = self.own_key.get().await?;
            if said.as_slice() == ASKS {
                self.send(&auth::more(&own.public_pem)).await?;
                said = self.hear().await?;
            }
            let decrypted = own.decrypt(&said, scramble);
            let other_key = || Denied::Broken((LoginResult::ClientTls, Fault::policy(OTHER_KEY), false));
            said = decrypted.ok_or_else(other_key)?;
        }
        Ok(Secret::new(said.strip_suffix(&[0]).unwrap_or(&said)))
    }

    pub(super) async fn send(&mut self, payload: &[u8]) -> Result<(), Broken> {
        self.hears_client = true;
        let sent = self.client.write(payload).await;
        sent.map_err(|error| client_broken(error.into()))?;
        self.hears_client = false;
        Ok(())
    }

    async fn hear(&mut self) -> Result<Zeroizing<Vec<u8>>, Broken> {
        self.hears_client = true;
        let heard = self.client.read(MESSAGE_BYTES_MAX, Beyond::Anything).await;
        let heard = heard.map_err(client_broken)?;
        self.hears_client = false;
        Ok(heard)
    }
}

fn native(question: Question, proof: &[u8], scramble: &[u8]) -> Result<Means, Denied> {
    let proven = match question {
        Question::Native(verifier) => verifier.uncover(proof, scramble).map(Means::Native),
        Question::Plain(password) => {
            let expected = native::proof(&native::inner(password.expose()), scramble);
            let is_right: bool = expected.ct_eq(proof).into();
            is_right.then_some(Means::Password(password))
        }
        Question::Sha2(_) | Question::Mock(_) => None,
    };
    proven.ok_or(Denied::WrongPassword(true))
}

async fn is_right(question: &Question, password: &Secret) -> Result<bool, Fault> {
    let verifier = match question {
        Question::Plain(known) => return Ok(known == password),
        Question::Sha2(verifier) => verifier.clone(),
        Question::Mock(Asked::Sha2) => sha2::Verifier::mock(),
        Question::Native(_) | Question::Mock(_) => return Ok(false),
    };
    let password = password.clone();
    // It takes some milliseconds, in which the worker has other sessions to serve.
    let checked = tokio::task::spawn_blocking(move || verifier.is_password(password.expose()));
    checked.await.map_err(Fault::proxy)
}

const OTHER_KEY: &str = "the password is not encrypted with the key that lull gives, and the connection has \
    no TLS: let the client use TLS (which needs [cluster.tls] in lull's configuration), or ask for the key \
    (get-server-public-key, and no server-public-key-path)";
const TOO_OLD: &str = "it knows no methods of authentication, and this user's is caching_sha2_password";

impl From<Broken> for Denied {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<Fault> for Denied {
    fn from(fault: Fault) -> Self {
        Self::Broken((LoginResult::NoSecret, fault, false))
    }
}
