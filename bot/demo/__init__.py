"""`bellhop demo`: the whole loop on this machine, without GitHub, network or key."""

from __future__ import annotations

from bot.demo.play import DemoFailed, demo

__all__ = ["DemoFailed", "demo"]
