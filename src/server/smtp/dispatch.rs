//! The order of commands: the only place that knows which command may come in which stage (RFC 5321 §4.1.4).

use super::session::Session;
use super::stage::{Next, Stage};
use super::{Role, bdat::Swallowed};
use crate::server::stream::Gone;
use crate::wire::smtp::command::Command;
use crate::wire::smtp::reply;

impl Session {
    /// Does a command in its stage; gives the stage after it.
    pub(super) async fn dispatch(&mut self, stage: Stage, command: Command) -> Result<(Stage, Next), Gone> {
        let done = match (stage, command) {
            (stage, Command::Hello(greeting, name)) => self.hello(stage, greeting, name).await,
            (stage, Command::Rset) => (stage.reset(), Next::Say(reply::RESET)),
            (stage, Command::Noop) => (stage, Next::Say(reply::OK)),
            (stage, Command::Vrfy) => (stage, Next::Say(reply::VRFY)),
            (stage, Command::Help) => (stage, Next::Say(reply::HELP)),
            (stage, Command::Quit) => (stage, Next::HangUp(reply::BYE)),
            (stage, Command::StartTls) => self.start_tls(stage),

            (Stage::Greeted(hello), Command::Auth(auth)) => self.auth(hello, auth).await?,
            (stage @ Stage::Fresh, Command::Auth(_) | Command::Mail(_)) => (stage, Next::Say(self.greet_first())),
            (stage, Command::Auth(_)) => (stage, Next::Say(reply::IN_TRANSACTION)),

            (Stage::Greeted(hello), Command::Mail(from)) => self.mail(hello, *from).await,
            (stage, Command::Mail(_)) => (stage, Next::Say(reply::IN_TRANSACTION)),

            (Stage::Sender { hello, from }, Command::Rcpt(rcpt)) => self.first_rcpt(hello, from, *rcpt).await,
            (Stage::Recipients { hello, envelope }, Command::Rcpt(rcpt)) => self.further_rcpt(hello, envelope, *rcpt).await,

            (Stage::Recipients { hello, envelope }, Command::Data) => self.data(hello, envelope).await?,
            (Stage::Recipients { hello, envelope }, Command::Bdat(chunk)) => self.first_chunk(hello, envelope, chunk).await?,
            (Stage::Chunks { hello, envelope, chunked }, Command::Bdat(chunk)) => {
                self.further_chunk(hello, envelope, chunked, chunk).await?
            }

            (stage @ (Stage::Fresh | Stage::Greeted(_)), Command::Rcpt(_) | Command::Data) => (stage, Next::Say(reply::MAIL_FIRST)),
            // RFC 2033 §4.2: a server of LMTP must say 503 here; RFC 5321 §3.3 has 554 for it.
            (stage @ Stage::Sender { .. }, Command::Data) if self.door.role == Role::Lmtp => (stage, Next::Say(reply::RCPT_FIRST)),
            (stage @ Stage::Sender { .. }, Command::Data) => (stage, Next::Say(reply::NO_VALID_RECIPIENT)),
            (stage @ Stage::Chunks { .. }, Command::Rcpt(_) | Command::Data) => (stage, Next::Say(reply::ONLY_BDAT)),

            // RFC 3030 §2: the octets come, whatever the reply will be, and are no commands.
            (stage, Command::Bdat(chunk)) => match self.swallow(chunk.size).await? {
                Swallowed::All => (stage, Next::Say(reply::RCPT_FIRST)),
                Swallowed::Never => (stage, Next::HangUp(reply::FAR_TOO_LARGE)),
            },
        };
        Ok(done)
    }

    fn greet_first(&self) -> reply::Reply {
        if self.door.role == Role::Lmtp {
            reply::LHLO_FIRST
        } else {
            reply::HELLO_FIRST
        }
    }
}
