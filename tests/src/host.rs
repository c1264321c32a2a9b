//! The three hosts that one desk stands on.

use std::time::Duration;

use crate::{Answer, Caller, Cloud, Desk, Lambdas, Output, PASSWORD, Place, bin};

/// The operators' program ends within this time, on a machine with much to do.
const TOOLS_TAKE: Duration = Duration::from_mins(3);

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One server, everything in files of its own.
    Embedded,
    /// One server on DynamoDB, EventBridge, SQS and MongoDB.
    Hybrid,
    /// The functions on the same services, behind what stands for API Gateway and Lambda.
    Lambda,
}

/// A desk that runs, wherever.
pub enum Host {
    /// See [`Kind::Embedded`].
    Embedded(Desk),
    /// See [`Kind::Hybrid`].
    Hybrid(Desk, Cloud),
    /// See [`Kind::Lambda`].
    Lambda(Lambdas),
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Embedded, Self::Hybrid, Self::Lambda];

    /// How it is called in the names of tests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Hybrid => "hybrid",
            Self::Lambda => "lambda",
        }
    }

    /// Starts a desk there.
    pub async fn start(self) -> Host {
        match self {
            Self::Embedded => Host::Embedded(Desk::start_believing()),
            Self::Hybrid => {
                let cloud = Cloud::deploy().await;
                Host::Hybrid(Desk::start_on(&cloud), cloud)
            }
            Self::Lambda => Host::Lambda(Lambdas::start().await),
        }
    }
}

impl Host {
    /// Which it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Embedded(_) => Kind::Embedded,
            Self::Hybrid(..) => Kind::Hybrid,
            Self::Lambda(_) => Kind::Lambda,
        }
    }

    /// `http://address:port`.
    pub fn base(&self) -> String {
        match self {
            Self::Embedded(desk) | Self::Hybrid(desk, _) => desk.base(),
            Self::Lambda(lambdas) => lambdas.base().to_owned(),
        }
    }

    /// A caller without a token, on a connection pool of its own.
    pub fn visitor(&self) -> Caller {
        Caller::new(&self.base())
    }

    /// Logs in with the harness's password.
    pub async fn login(&self, username: &str) -> Caller {
        self.visitor().login(username, PASSWORD).await
    }

    /// Logs in.
    pub async fn login_as(&self, username: &str, password: &str) -> Caller {
        self.visitor().login(username, password).await
    }

    /// Logs in as the bootstrap user.
    pub async fn admin(&self) -> Caller {
        self.login(crate::ADMIN).await
    }

    /// Demands the refusal of somebody who shows no token at all: a challenge without an error code.
    #[track_caller]
    pub fn wants_a_token(&self, answer: Answer) {
        let answer = answer.is(401);
        assert_eq!(answer.body["message"], "Unauthorized", "{answer}");
        // Here API Gateway answers itself, and no function can add to that.
        if self.kind() != Kind::Lambda {
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            assert!(challenge.starts_with("Bearer") && !challenge.contains("error="), "{answer}");
            answer.problem(401);
        }
    }

    /// The services it stands on, where it stands on any.
    pub fn cloud(&self) -> Option<&Cloud> {
        match self {
            Self::Embedded(_) => None,
            Self::Hybrid(_, cloud) => Some(cloud),
            Self::Lambda(lambdas) => Some(lambdas.cloud()),
        }
    }

    /// Runs the operators' program on what the desk stands on, with its log silent but for errors.
    pub async fn tool(&self, words: &[&str]) -> Output {
        let mut command = match self {
            Self::Embedded(desk) | Self::Hybrid(desk, _) => desk.command(),
            Self::Lambda(lambdas) => {
                let mut command = bin::start("eventdesk");
                command.envs(lambdas.cloud().server_settings());
                command
            }
        };
        command.args(words).env("EVENTDESK_LOG_LEVEL", "error");
        let run = tokio::task::spawn_blocking(move || bin::run(&mut command, TOOLS_TAKE));
        run.await.expect("the program was run")
    }

    /// The functions, where the desk is made of them.
    pub fn lambdas(&self) -> Option<&Lambdas> {
        if let Self::Lambda(lambdas) = self { Some(lambdas) } else { None }
    }

    /// Ends it, and takes away what it stood on.
    pub async fn end(self) {
        match self {
            Self::Embedded(desk) => drop(desk),
            Self::Hybrid(desk, cloud) => {
                drop(desk);
                cloud.remove().await;
            }
            Self::Lambda(lambdas) => lambdas.end().await,
        }
    }
}

impl Place for Host {
    fn base(&self) -> String {
        Self::base(self)
    }
}
