//! Putting the service together and running it.

use std::sync::Arc;

use blobs::BlobStore;
use bus::ServiceHandle;
use eventlog::LinkState;
use schemas::commands::{
    AcceptInvite, AddMember, AddReaction, AdmitRegistered, AppointOwner, ArchiveRoom, BanMember,
    BlockUser, CHAT, ChangeMember, ChangePrefs, ChangeRoom, CompleteMedia, CreateInvite,
    CreateRoom, DeleteMessage, DropAvatar, EditMessage, FollowThread, ForgetBlocks, HandleReport,
    JoinRoom, JudgeInvite, LeaveRoom, LiftBan, ListInvites, MarkRead, MarkThreadRead,
    ModerateMessage, ModerateRoom, OpenDirect, PinMessage, PostMessage, PostMessages, RemoveMedia,
    RemoveMember, RemoveReaction, ReportMessage, RequestMedia, RevokeInvite, UnblockUser,
    UnfollowThread, UnpinMessage, UseAsAvatar,
};
use schemas::values::{RoomName, Unverified};
use schemas::{NameKey, RoomId};
use service::{BoxFuture, Deps, Service, Stage};
use telemetry::{Health, Shutdown};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::addition::Additions;
use crate::auth::AuthService;
use crate::chat::Chat;
use crate::dedup::{Dedup, DedupConfig};
use crate::deleted_texts::DeletedTexts;
use crate::erasure::Eraser;
use crate::error::BuildError;
use crate::export::Exporter;
use crate::general;
use crate::index::MessageIndex;
use crate::lanes::{Capacities, Lanes};
use crate::live::Follower;
use crate::media::{Files, MediaConfig};
use crate::metrics::ChatMetrics;
use crate::recent::Recent;
use crate::retention::{Retention, RetentionConfig};
use crate::shared_turns::SharedTurns;
use crate::slow_mode::SlowMode;
use crate::turns::Turns;
use crate::under_way::UnderWay;
use crate::worker::work;

/// What health calls this service.
const COMPONENT: &str = ChatService::NAME;
/// Commands that may read the log at the same time, where the read model is behind: each takes a core for up to a second.
const LOG_READS: usize = 2;
/// What the room every user belongs to is called unless configured otherwise.
const GENERAL: &str = "general";

/// What an operator may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The unique name of the room every registered user belongs to; none: there is no such room.
    pub general: Option<RoomName>,
    /// What accounts may do whose address is not verified ([`schemas::events::UserState::email_verified`]).
    pub unverified: Unverified,
    /// How much is remembered.
    pub capacities: Capacities,
    /// How repeated posts are recognised.
    pub dedup: DedupConfig,
    /// What may be uploaded, and how long it is kept without a message.
    pub media: MediaConfig,
    /// How long messages stay at hand.
    pub retention: RetentionConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            general: RoomName::parse(GENERAL).ok(),
            unverified: Unverified::default(),
            capacities: Capacities::default(),
            dedup: DedupConfig::default(),
            media: MediaConfig::default(),
            retention: RetentionConfig::default(),
        }
    }
}

/// What the service needs besides what all are given.
pub struct Needs {
    /// The key of the lanes of names; that of the log ([`eventlog::EventLog::note_names`]).
    pub names: NameKey,
    /// The read model (`readmodel::ReadModel` is one).
    pub index: Arc<dyn MessageIndex>,
    /// Where files are kept; the same store as the gateways'.
    pub blobs: Arc<dyn BlobStore>,
}

/// chat-svc, with its commands served.
pub struct ChatService {
    general: Option<RoomId>,
    handle: ServiceHandle,
    tasks: JoinSet<()>,
    stop_tasks: Shutdown,
    health: Health,
}

impl Service for ChatService {
    const NAME: &'static str = "chat-svc";
    const STAGE: Stage = Stage::Services;
    type Config = Config;
    type Needs = Needs;
    type Error = BuildError;

    fn build(
        config: Config,
        needs: Needs,
        deps: Deps,
    ) -> BoxFuture<'static, Result<Self, BuildError>> {
        Box::pin(start(config, needs, deps))
    }

    fn run_until_stopped(self, shutdown: Shutdown) -> BoxFuture<'static, Result<(), BuildError>> {
        Box::pin(self.work(shutdown))
    }
}

async fn start(config: Config, needs: Needs, deps: Deps) -> Result<ChatService, BuildError> {
    let (Needs { names, index, blobs }, Deps { log, bus, metrics, health }) = (needs, deps);
    health.set(COMPONENT, Err("starting"));
    let general = match &config.general {
        Some(name) => {
            let waits = |reason| health.set(COMPONENT, Err::<(), String>(reason));
            general::ensure(&log, &names, name, waits).await?
        }
        None => None,
    };
    let metrics = ChatMetrics::new(&metrics);
    let dedup = Dedup::new(
        log.clone(),
        Arc::clone(&index),
        config.dedup,
        config.capacities.messages,
        metrics.clone(),
    );
    let (files, purges) = Files::new(blobs, config.media);
    let chat = Arc::new(Chat {
        files,
        lanes: Lanes::new(&log, names.clone(), &metrics, &config.capacities),
        recent: Recent::new(config.capacities.messages),
        under_way: UnderWay::default(),
        slow: SlowMode::new(config.capacities.messages),
        shared_turns: SharedTurns::new(&log),
        retention_days: config.retention.rule.days,
        unverified_invite: config.unverified == schemas::values::Unverified::Everything,
        additions: Additions::new(config.capacities.messages),
        turns: Turns::new(),
        kinds: Turns::new(),
        dedup,
        log_reads: Semaphore::new(LOG_READS),
        log,
        names,
        index,
        metrics,
        followed: tokio::sync::watch::Sender::new(0),
    });
    let stop_tasks = Shutdown::new();
    let mut tasks = JoinSet::new();
    let follower = Follower::subscribe(&chat, &bus).await?;
    tasks.spawn(follower.run(stop_tasks.clone()));
    keep_books(&mut tasks, &chat, general.as_ref(), &stop_tasks);
    let auth = AuthService::on(&bus);
    let eraser = Eraser::new(&chat, auth.clone(), general);
    tasks.spawn(work(eraser, stop_tasks.clone()));
    tasks.spawn(Arc::clone(&chat).keep_media(purges, stop_tasks.clone()));
    tasks.spawn(work(Exporter::new(&chat, auth), stop_tasks.clone()));
    keep_retention(&mut tasks, &chat, &config.retention, &stop_tasks);
    let handle = serve(&bus, &chat, &chat.metrics.commands).await?;
    health.set(COMPONENT, Ok::<(), String>(()));
    tasks.spawn(report(chat.log.watch_connection(), health.clone(), stop_tasks.clone()));
    Ok(ChatService { general, handle, tasks, stop_tasks, health })
}

/// Begins what goes on beside commands: who sent what before, and bans that end.
fn keep_books(
    tasks: &mut JoinSet<()>,
    chat: &Arc<Chat>,
    general: Option<&RoomId>,
    stop: &Shutdown,
) {
    tasks.spawn({
        let (chat, stop) = (Arc::clone(chat), stop.clone());
        async move { chat.dedup.keep_covered(stop).await }
    });
    tasks.spawn({
        let (chat, stop) = (Arc::clone(chat), stop.clone());
        async move { chat.dedup.keep_past(stop).await }
    });
    if let Some(general) = general.cloned() {
        let (chat, stop) = (Arc::clone(chat), stop.clone());
        tasks.spawn(async move { chat.end_bans(general, stop).await });
    }
}

/// Begins to move old messages to the archive, and to remove deleted texts.
fn keep_retention(
    tasks: &mut JoinSet<()>,
    chat: &Arc<Chat>,
    config: &RetentionConfig,
    stop: &Shutdown,
) {
    let retention = Retention::of(chat, config.rule);
    let archived = chat.metrics.archived.clone();
    tasks.spawn(retention.keep(config.every, archived, stop.clone()));
    if let Some(after) = config.deleted_bodies {
        tasks.spawn(DeletedTexts::new(chat).keep(after, config.every, stop.clone()));
    }
}

impl ChatService {
    /// The room every registered user belongs to, if there is one.
    #[must_use]
    pub fn general(&self) -> Option<&RoomId> {
        self.general.as_ref()
    }

    async fn work(mut self, shutdown: Shutdown) -> Result<(), BuildError> {
        shutdown.wait().await;
        self.health.set(COMPONENT, Err("stopping"));
        self.handle.stop().await;
        self.stop_tasks.trigger();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task of chat-svc ended early");
            }
        }
        self.health.remove(COMPONENT);
        Ok(())
    }
}

/// Says whether commands can be carried out: not without a connection to the log.
async fn report(mut link: watch::Receiver<LinkState>, health: Health, stop: Shutdown) {
    loop {
        tokio::select! {
            () = stop.wait() => return,
            changed = link.changed() => if changed.is_err() { return },
        }
        let connected = link.borrow_and_update().connected;
        let state = if connected { Ok(()) } else { Err("no connection to NATS") };
        health.set(COMPONENT, state);
    }
}

decider::endpoints! {
    /// Begins to serve the commands about rooms, members and messages.
    fn serve(Chat) = CHAT, "Rooms, members and messages";
    CreateRoom => create_room;
    OpenDirect => open_direct;
    ChangeRoom => change_room;
    ArchiveRoom => archive_room;
    JoinRoom => join_room;
    LeaveRoom => leave_room;
    AddMember => add_member;
    RemoveMember => remove_member;
    ChangeMember => change_member;
    AppointOwner => appoint_owner;
    BlockUser => block_user;
    UnblockUser => unblock_user;
    ForgetBlocks => forget_blocks;
    ChangePrefs => change_prefs;
    BanMember => ban_member;
    LiftBan => lift_ban;
    CreateInvite => create_invite;
    ListInvites => list_invites;
    RevokeInvite => revoke_invite;
    JudgeInvite => judge_invite;
    AcceptInvite => accept_invite;
    AdmitRegistered => admit_registered;
    PostMessage => post_message;
    PostMessages => post_messages;
    EditMessage => edit_message;
    DeleteMessage => delete_message;
    AddReaction => add_reaction;
    RemoveReaction => remove_reaction;
    PinMessage => pin_message;
    UnpinMessage => unpin_message;
    MarkRead => mark_read;
    FollowThread => follow_thread;
    UnfollowThread => unfollow_thread;
    MarkThreadRead => mark_thread_read;
    ReportMessage => report_message;
    HandleReport => handle_report;
    ModerateMessage => moderate_message;
    ModerateRoom => moderate_room;
    RequestMedia => request_media;
    CompleteMedia => complete_media;
    RemoveMedia => remove_media;
    UseAsAvatar => use_as_avatar;
    DropAvatar => drop_avatar;
}
