//! `auth.test`, `users.*` and `usergroups.*` (slack.md §C.1).

use serde_json::{Map, Value, json};

use super::args::{Answer, Args, Refusal};
use super::state::{Group, State};

/// Most people of whom one call tells (slack.md, additions §5).
const MAX_DND_USERS: usize = 50;

#[expect(clippy::unnecessary_wraps, reason = "it stands in the table of methods")]
pub(super) fn auth_test(state: &mut State, _args: &Args) -> Answer {
    let setup = &state.setup;
    let team = Some(&setup.team_id).filter(|id| !id.is_empty());
    let mut answer = json!({
        "url": "https://standin.slack.com/", "team": "Stand-in", "user": "bridge",
        "team_id": team, "user_id": setup.bot_user, "bot_id": setup.bot_id,
        "is_enterprise_install": setup.is_enterprise_install,
    });
    if let Some(enterprise) = &setup.enterprise_id {
        answer["enterprise_id"] = json!(enterprise);
    }
    Ok(answer)
}

pub(super) fn users_info(state: &mut State, args: &Args) -> Answer {
    let user = state.users.get(args.required("user")?);
    let user = user.ok_or_else(|| Refusal::world("user_not_found"))?;
    Ok(json!({ "user": state.render_user(user, args.flag("include_locale")?) }))
}

pub(super) fn lookup_by_email(state: &mut State, args: &Args) -> Answer {
    let email = args.required("email")?;
    // Only own people are found (slack.md, additions §1).
    let mut users = state.users.values().filter(|user| !state.is_outsider(user));
    let user = users.find(|user| user.email.as_deref() == Some(email) && !user.deleted);
    let user = user.ok_or_else(|| Refusal::world("users_not_found"))?;
    Ok(json!({ "user": state.render_user(user, false) }))
}

/// Of others Slack tells only whether they are active or away (slack.md, additions §5).
pub(super) fn presence(state: &mut State, args: &Args) -> Answer {
    let user = state.users.get(args.required("user")?);
    let user = user.ok_or_else(|| Refusal::world("user_not_found"))?;
    Ok(json!({ "presence": if user.is_away { "away" } else { "active" } }))
}

/// Up to 50 people at once; who is not known is left out (slack.md, additions §5).
pub(super) fn team_dnd(state: &mut State, args: &Args) -> Answer {
    let names: Vec<&str> = args.required("users")?.split(',').collect();
    if names.len() > MAX_DND_USERS {
        return Err(Refusal::mistake("too_many_users", format!("{} users", names.len())));
    }
    let mut users = Map::new();
    for user in names.iter().filter_map(|name| state.users.get(*name)) {
        // Who has set no hours has a time in the past.
        let (start, end) = user.undisturbed.unwrap_or((1, 1));
        let told = json!({ "dnd_enabled": user.undisturbed.is_some(),
            "next_dnd_start_ts": start, "next_dnd_end_ts": end });
        users.insert(user.id.clone(), told);
    }
    Ok(json!({ "users": users }))
}

pub(super) fn groups(state: &mut State, args: &Args) -> Answer {
    let with_users = args.flag("include_users")?;
    let render = |group: &Group| {
        let mut out = json!({ "id": group.id, "handle": group.handle, "name": group.handle,
            "is_usergroup": true, "date_delete": 0, "user_count": group.users.len() });
        if with_users {
            out["users"] = json!(group.users);
        }
        out
    };
    Ok(json!({ "usergroups": state.groups.iter().map(render).collect::<Value>() }))
}

pub(super) fn group_users(state: &mut State, args: &Args) -> Answer {
    let id = args.required("usergroup")?;
    let group = state.groups.iter().find(|group| group.id == id);
    let group = group.ok_or_else(|| Refusal::world("no_such_subteam"))?;
    Ok(json!({ "users": group.users }))
}
