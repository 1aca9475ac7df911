"""The Grafana dashboards as tables, and how a table becomes Grafana's JSON.

`tools/check-dashboards --write` writes deploy/grafana/*.json from here; edit the tables, never the JSON. A panel is
(title, unit, what it says, queries), a query is (PromQL, legend). `$job` and `$instance` are chosen at the top of a
dashboard; a panel of one number has no legend.
"""

import json
import re

# Which processes: chosen at the top of each dashboard.
WHERE = 'job=~"$job",instance=~"$instance"'


def chosen(query):
    """Puts the choice of processes into every selector `{...}` of a query."""
    return re.sub(r"\{([^}]*)\}", lambda m: "{" + ",".join(filter(None, [m[1], WHERE])) + "}", query)


def rate(metric, by="", labels=""):
    """How often a counter counts, in a second."""
    return f"sum{f' by ({by}) ' if by else ''}(rate({metric}{{{labels}}}[$__rate_interval]))"


def quantile(q, metric, by="", labels=""):
    """A quantile of a histogram of seconds."""
    grouped = ", ".join(filter(None, ["le", by]))
    return f"histogram_quantile({q}, sum by ({grouped}) (rate({metric}_bucket{{{labels}}}[$__rate_interval])))"


def share(metric, by, labels):
    """The part of what a counter counts that has these labels."""
    return f"{rate(metric, by, labels)} / {rate(metric, by)}"


def quantiles(metric):
    """Three curves of a histogram."""
    return [(quantile(q, metric), f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)]


OVERVIEW = [
    ("Processes", "short", "Processes Prometheus has reached.", [("count(tidings_build_info{})", None)]),
    ("Log", "damaged", "Whether events of the log are lost or changed.", [("max(tidings_log_damaged{})", None)]),
    ("Views", "stopped", "Whether views stand still before an event.", [("max(tidings_projector_stopped{})", None)]),
    ("Projection lag", "s", "How old what readers see is.", [("max(tidings_projector_lag_seconds{})", None)]),
    ("Sockets", "short", "Sockets open on all gateways.", [("sum(tidings_ws_sockets{})", None)]),
    ("Messages", "cps", "Messages stored in a second.", [(rate("tidings_chat_posts_total"), None)]),
    ("Requests by status", "reqps", "5xx is ours, 429 is a limit.", [(rate("tidings_http_requests_total", "status"), "{{status}}")]),
    ("Time to answer", "s", "From a request's head to its answer, all routes.", quantiles("tidings_http_request_duration_seconds")),
    ("Time to deliver", "s", "From an event's time to its frame in the queues of sockets.", quantiles("tidings_live_delivery_seconds")),
    ("Messages", "cps", "Posts stored, and repeats that were answered with the first.", [(rate("tidings_chat_posts_total"), "stored"), (rate("tidings_chat_repeats_total"), "repeated")]),
    ("Commands that are not accepted", "cps", "By service and outcome. `unavailable` means the log.", [
        (rate("tidings_chat_commands_total", "command, outcome", 'outcome!="accepted"'), "{{command}} {{outcome}}"),
        (rate("tidings_auth_commands_total", "command, outcome", 'outcome!="accepted"'), "{{command}} {{outcome}}"),
    ]),
    ("Memory", "bytes", "Resident; nats-server is not included.", [("process_resident_memory_bytes{}", "{{job}} {{instance}}")]),
    ("Processor", "percentunit", "Cores in use.", [("rate(process_cpu_seconds_total{}[$__rate_interval])", "{{job}} {{instance}}")]),
    ("Open files and sockets", "short", "And how many there may be (LimitNOFILE).", [("process_open_fds{}", "{{job}} {{instance}}"), ("process_max_fds{}", "limit {{job}} {{instance}}")]),
    ("Ready", "short", "1 for a component that is ready in every process; see /readyz.", [("min by (component) (tidings_ready{})", "{{component}}")]),
    ("Uptime", "s", "Since the process started.", [("time() - process_start_time_seconds{}", "{{job}} {{instance}}")]),
    ("Builds", "short", "Processes by version: two lines during an upgrade.", [("count by (version) (tidings_build_info{})", "{{version}}")]),
]

GATEWAY = [
    ("Sockets", "short", "Open sockets by gateway.", [("tidings_ws_sockets{}", "{{instance}}")]),
    ("Deliveries", "cps", "Frames given to sockets.", [(rate("tidings_ws_deliveries_total", "instance"), "{{instance}}")]),
    ("Time to deliver", "s", "From an event's time to its frame in the queues.", quantiles("tidings_live_delivery_seconds")),
    ("Time of frames", "s", "p99 from a client's frame to its answer.", [(quantile(0.99, "tidings_ws_frame_seconds", "frame"), "{{frame}}")]),
    ("Frames by outcome", "cps", "What clients send over sockets.", [(rate("tidings_ws_frame_seconds_count", "frame, outcome"), "{{frame}} {{outcome}}")]),
    ("Sockets closed by the server", "cps", "4401 session ended, 4429 too many frames, 4508 reads too slowly, 4503 draining.", [(rate("tidings_ws_closed_total", "code"), "{{code}}")]),
    ("Resumes", "cps", "`memory` is free, `read_model` costs reads, anything else made a client load anew.", [(rate("tidings_ws_resumes_total", "from"), "{{from}}")]),
    ("Queued for sockets", "bytes", "Bytes that wait in all queues, and what resumes hold.", [("tidings_ws_queued_bytes{}", "queues {{instance}}"), ("tidings_ws_resume_bytes{}", "resumes {{instance}}")]),
    ("Longest queue", "short", "Frames of the client that reads most slowly.", [("tidings_ws_queued_max{}", "{{instance}}"), ("tidings_ws_queued{}", "all {{instance}}")]),
    ("Requests by route", "reqps", "By template, ids left out.", [(rate("tidings_http_requests_total", "route, method"), "{{method}} {{route}}")]),
    ("Time to answer by route", "s", "p99.", [(quantile(0.99, "tidings_http_request_duration_seconds", "route, method"), "{{method}} {{route}}")]),
    ("Refused", "reqps", "Requests answered 4xx.", [(rate("tidings_http_requests_total", "route, method, status", 'status=~"4.."'), "{{status}} {{method}} {{route}}")]),
    ("In flight", "short", "Requests being worked on.", [("tidings_http_requests_in_flight{}", "{{instance}}")]),
    ("Rooms read", "cps", "A user's rooms, read when they come to a gateway.", [(rate("tidings_live_room_loads_total", "instance"), "{{instance}}")]),
    ("Request log", "cps", "Rows written, and dropped because they came too fast.", [(rate("tidings_request_log_rows_total"), "written"), (rate("tidings_request_log_dropped_total"), "dropped")]),
    ("Newest messages", "cps", "Pages of rooms' newest messages that were read: from memory (hit), or from the read model.", [(rate("tidings_recent_pages_total", "outcome"), "{{outcome}}")]),
    ("Memory of recent events", "bytes", "Of `--memory`, for resumes.", [("tidings_live_remembered_bytes{}", "{{instance}}")]),
    ("Events remembered", "short", "For resumes.", [("tidings_live_remembered{}", "{{instance}}")]),
]

LOG = [
    ("Damage", "damaged", "Whether events of the log are lost or changed.", [("max(tidings_log_damaged{})", None)]),
    ("Position", "short", "The last event handed on.", [("max(tidings_live_position{})", None)]),
    ("Refused unreadable", "short", "Events not written because they could not have been read back: a bug.", [("sum(tidings_log_refused_unreadable_total{})", None)]),
    ("Size", "bytes", "Of the log, on each server.", [("max(tidings_log_bytes{})", "bytes")]),
    ("Events there are", "short", "Erased ones are not counted.", [("max(tidings_log_events{})", "events")]),
    ("Time to append", "s", "Until the log has acknowledged what was handed to it together.", quantiles("tidings_log_append_seconds")),
    ("Connected to NATS", "short", "1 for a process that is connected, and how often it had to connect.", [("tidings_nats_connected{}", "{{job}} {{instance}}"), ("tidings_nats_connections_total{}", "connections {{job}} {{instance}}")]),
    ("Events", "cps", "Stored in a second, as the gateways see it.", [("max(rate(tidings_live_events_total{}[$__rate_interval]))", "events")]),
    ("Gateways behind", "short", "Events the slowest gateway is behind the first.", [("max(tidings_live_position{}) - min(tidings_live_position{})", "events")]),
    ("Gaps in the live feed", "cps", "Holes, and the events that were read from the log to fill them.", [(rate("tidings_live_gaps_total", "instance"), "gaps {{instance}}"), (rate("tidings_live_backfilled_total", "instance"), "events {{instance}}")]),
    ("Unreadable", "short", "Events of the log that a process has met since it was started and cannot read.", [("tidings_log_unreadable_total{}", "{{job}} {{instance}}")]),
    ("Too late to be told", "cps", "Events after a deletion, or that would have moved a marker back.", [(rate("tidings_live_late_total", "instance"), "{{instance}}")]),
    ("Decided again", "cps", "Decisions repeated because the log had changed: contention.", [(rate(f"tidings_{service}_append_conflicts_total"), service) for service in ("chat", "auth", "notifier")]),
    ("Time of commands", "s", "p99 of load, decide, append, by service.", [(quantile(0.99, f"tidings_{service}_command_seconds"), service) for service in ("chat", "auth")]),
    ("Commands", "cps", "Of rooms and messages.", [(rate("tidings_chat_commands_total", "command"), "{{command}}")]),
    ("Repeat checks", "cps", "What told a new client id from a repeat; `index` costs a read of the read model.", [(rate("tidings_chat_repeat_checks_total", "by"), "{{by}}")]),
    ("Old messages", "cps", "Messages that moved to the archive or were purged, and texts of deleted messages that left the log.", [(rate("tidings_chat_archived_messages_total"), "archived or purged"), (rate("tidings_chat_texts_removed_total"), "texts removed")]),
    ("Cache of lanes", "percentunit", "Part of the lookups that were in memory.", [
        (share("tidings_chat_cache_total", "kind", 'result="hit"'), "{{kind}}"),
    ]),
    ("Client ids not projected", "short", "Remembered because the read model is behind.", [("tidings_chat_unprojected_client_ids{}", "{{instance}}")]),
    ("Known past", "short", "Up to here it is known which client ids were never used.", [("tidings_chat_past_position{}", "{{instance}}")]),
]

PROJECTION = [
    ("Writes", "short", "Projectors that write: one.", [("sum(tidings_projector_active{})", None)]),
    ("Stopped", "stopped", "Whether views stand still before an event.", [("max(tidings_projector_stopped{})", None)]),
    ("Lag", "s", "Age of the newest projected event while there are newer ones.", [("max(tidings_projector_lag_seconds{})", None)]),
    ("Lag", "short", "Events in the log that are not in the read model yet.", [("tidings_projector_lag_events{}", "{{instance}}")]),
    ("Age", "s", "Of what readers see.", [("tidings_projector_lag_seconds{}", "{{instance}}")]),
    ("Checkpoints", "short", "By group of views; one that stays flat has stopped.", [("max by (group) (tidings_projector_group_checkpoint{})", "{{group}}"), ("max(tidings_projector_checkpoint{})", "all")]),
    ("Stopped groups", "short", "1 while an event stops the group.", [("max by (group) (tidings_projector_group_stopped{})", "{{group}}")]),
    ("Events", "cps", "Projected.", [(rate("tidings_projector_events_total", "instance"), "{{instance}}")]),
    ("Documents", "cps", "Written.", [(rate("tidings_projector_documents_total", "instance"), "{{instance}}")]),
    ("Time of a batch", "s", "To apply it to the read model.", quantiles("tidings_projector_batch_seconds")),
    ("Events in a batch", "short", "Mean; grows with the load.", [(f'{rate("tidings_projector_batch_events_sum")} / {rate("tidings_projector_batch_events_count")}', "events")]),
    ("Forestalled", "cps", "Commits refused because another projector had moved the checkpoint.", [(rate("tidings_projector_fenced_total", "instance"), "{{instance}}")]),
    ("Passed over", "cps", "Unreadable events on lanes that are not projected.", [(rate("tidings_projector_passed_over_total", "instance"), "{{instance}}")]),
]

NOTIFIER = [
    ("Effects by channel", "cps", "Inbox and mail.", [(rate("tidings_notifier_effects_total", "channel, outcome"), "{{channel}} {{outcome}}")]),
    ("Done", "short", "Effects carried out since the start.", [('sum by (channel) (tidings_notifier_effects_total{outcome="done"})', "{{channel}}")]),
    ("Failed and tried again", "cps", "A mail server that refuses, a log that is away. Nothing here is good.", [
        # The series of a failure begins with the first one; until then there is a 0 by channel.
        (rate("tidings_notifier_effects_total", "channel", 'outcome="failed"') + " or 0 * " + rate("tidings_notifier_effects_total", "channel"), "{{channel}}"),
    ]),
    ("Dead letters", "short", "Events given up on in the last hour: `tidings dead-letters list`. Nothing here is good.", [("sum by (channel, outcome) (increase(tidings_notifier_dead_letters_total{}[1h])) or on () vector(0)", "{{channel}} {{outcome}}")]),
    ("Waiting", "short", "Events being worked on or waiting to be tried again: mails, when the mail server refuses.", [("max by (channel) (tidings_notifier_waiting{})", "{{channel}}")]),
    ("Commands", "cps", "Inboxes written and settled, by outcome.", [(rate("tidings_notifier_commands_total", "command, outcome"), "{{command}} {{outcome}}")]),
    ("Time of commands", "s", "Load, decide, append.", quantiles("tidings_notifier_command_seconds")),
    ("Decided again", "cps", "Decisions repeated because the log had changed.", [(rate("tidings_notifier_append_conflicts_total", "instance"), "{{instance}}")]),
]

ACCOUNTS = [
    ("Commands", "cps", "By outcome.", [(rate("tidings_auth_commands_total", "command, outcome"), "{{command}} {{outcome}}")]),
    ("Logins", "cps", "`invalid_credentials` in numbers is guessing.", [(rate("tidings_auth_commands_total", "outcome", 'command="login"'), "{{outcome}}")]),
    ("Registrations", "cps", "By outcome.", [(rate("tidings_auth_commands_total", "outcome", 'command="register"'), "{{outcome}}")]),
    ("Time of a password", "s", "A core spends on hashing; see `--bcrypt-cost`.", quantiles("tidings_auth_password_seconds")),
    ("Passwords waiting", "short", "For a core.", [("tidings_auth_passwords_waiting{}", "{{instance}}")]),
    ("Sent away", "cps", "Logins refused because too many passwords wait.", [(rate("tidings_auth_passwords_refused_total", "instance"), "{{instance}}")]),
    ("Refresh tokens used twice", "short", "Sessions ended in the last hour because a used refresh token came again: stolen, or a client that forgets.", [("sum(increase(tidings_auth_refresh_reuses_total{}[1h]))", "sessions")]),
    ("Time of commands", "s", "Load, decide, append.", quantiles("tidings_auth_command_seconds")),
    ("Decided again", "cps", "Decisions repeated because the log had changed.", [(rate("tidings_auth_append_conflicts_total", "instance"), "{{instance}}")]),
]

DASHBOARDS = {
    "overview": ("Tidings: overview", OVERVIEW),
    "gateway": ("Tidings: gateway", GATEWAY),
    "log": ("Tidings: log", LOG),
    "projection": ("Tidings: projection", PROJECTION),
    "notifier": ("Tidings: notifier", NOTIFIER),
    "accounts": ("Tidings: accounts", ACCOUNTS),
}

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
# What a 1 means where a unit of Grafana would say only 1.
WORDS = {"damaged": "DAMAGED", "stopped": "STOPPED"}


def targets(queries):
    """The queries of a panel."""
    made = []
    for number, (query, legend) in enumerate(queries):
        target = {"datasource": DATASOURCE, "expr": chosen(query), "refId": chr(ord("A") + number)}
        target |= {"legendFormat": legend} if legend else {"instant": True}
        made.append(target)
    return made


def panel(number, place, title, unit, text, queries):
    """One panel in Grafana's form."""
    single = queries[0][1] is None
    defaults = {"unit": unit}
    if unit in WORDS:
        states = {"0": {"text": "well", "color": "green", "index": 0}, "1": {"text": WORDS[unit], "color": "red", "index": 1}}
        defaults = {"mappings": [{"type": "value", "options": states}]}
    if not single:
        defaults["min"] = 0
        defaults["custom"] = {"fillOpacity": 8, "lineWidth": 1, "showPoints": "never"}
    options = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    if single:
        options = {"colorMode": "value", "graphMode": "none", "reduceOptions": {"calcs": ["lastNotNull"]}}
    return {
        "id": number,
        "type": "stat" if single else "timeseries",
        "title": title,
        "description": text,
        "datasource": DATASOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        "targets": targets(queries),
    }


def places(panels):
    """Where each panel stands: numbers six in a row, curves two in a row."""
    x = y = height = 0
    for _, _, _, queries in panels:
        single = queries[0][1] is None
        w, h = (4, 4) if single else (12, 8)
        if x + w > 24 or (height and h != height):
            x, y = 0, y + height
        height = h
        yield {"x": x, "y": y, "w": w, "h": h}
        x += w


def variable(name, label, query):
    """A choice among the values of a label."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
        "sort": 1,
    }


def dashboard(name, title, panels):
    """A dashboard in Grafana's form."""
    source = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}}
    others = {
        "title": "Tidings", "type": "dashboards", "tags": ["tidings"], "asDropdown": True, "includeVars": True,
        "keepTime": True,
    }  # fmt: skip
    return {
        "uid": f"tidings-{name}",
        "title": title,
        "tags": ["tidings"],
        "schemaVersion": 38,
        "version": 1,
        "editable": True,
        "timezone": "",
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "links": [others],
        "templating": {
            "list": [
                source,
                variable("job", "Job", "label_values(tidings_build_info, job)"),
                variable("instance", "Process", 'label_values(tidings_build_info{job=~"$job"}, instance)'),
            ]
        },
        "annotations": {"list": []},
        "panels": [
            panel(number, place, *described)
            for number, (place, described) in enumerate(zip(places(panels), panels), start=1)
        ],
    }


def files():
    """The name of each file and what belongs into it."""
    for name, (title, panels) in DASHBOARDS.items():
        yield f"{name}.json", json.dumps(dashboard(name, title, panels), indent=2, ensure_ascii=False) + "\n"
