"""Who sees a task, and who may act on it: asked here and nowhere else."""

from __future__ import annotations

from handlers.commands import COMMANDS
from handlers.roles import Role
from handlers.task import Task
from handlers.values import Person


def sees(task: Task, person: Person, role: Role, *, operator: bool = False) -> bool:
    """Whether a task exists for somebody with this role in its repository.

    Its owner sees it while they can still read there, and so does everybody who can push there;
    operators, who have the database, see every task.
    """
    if task.deleting and task.ended:
        return False
    return sees_those_of(task.owner.id, person, role, operator=operator)


def sees_those_of(owner_id: int, person: Person, role: Role, *, operator: bool = False) -> bool:
    """The same of any task of an owner's that is not about to be removed."""
    least = Role.READ if owner_id == person.id else Role.WRITE
    return operator or role >= least


def may_act(task: Task, role: Role) -> bool:
    """Whether somebody may ask for more work on a task: as for the command that made it."""
    return role >= task.wish.role


def may_approve(task: Task, person: Person, role: Role) -> bool:
    """Whether somebody may let a command run that waits: writers who may give it themselves.

    Who wrote a command that only came late may approve their own, with its permission.
    """
    own = task.approval is not None and task.approval.late and task.approval.asker.id == person.id
    return may_act(task, role) and (own or role >= COMMANDS["approve"].role)


def may_end(task: Task, person: Person, role: Role, *, operator: bool = False) -> bool:
    """Whether somebody may stop a task: writers any, owners their own while they have triage."""
    if operator or role >= COMMANDS["stop"].role:
        return True
    return task.owner.id == person.id and role >= Role.TRIAGE


def may_delete(task: Task, person: Person, *, operator: bool = False) -> bool:
    """Whether somebody may remove a task that they see: its owner, or an operator.

    Not whoever wrote a command that was never approved: so many of theirs are taken in a day, and
    what is gone could not be counted.
    """
    return operator or (task.owner.id == person.id and not task.unapproved)
