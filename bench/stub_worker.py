"""The cheapest worker: it takes its assignment and says that it is done."""

import json
import os
import urllib.request


def call(method: str, path: str, body: dict[str, str] | None = None) -> None:
    request = urllib.request.Request(
        f"{os.environ['BELLHOP_URL']}/api/callbacks/{path}",
        data=json.dumps(body).encode() if body else None,
        headers={
            "Authorization": f"Bearer {os.environ['BELLHOP_TOKEN']}",
            "Bellhop-Instance": "bench-worker",
            "Bellhop-Contract": "1",
            "Content-Type": "application/json",
        },
        method=method,
    )
    urllib.request.urlopen(request, timeout=30).close()


call("GET", "task")
done = {"taskId": os.environ["BELLHOP_TASK_ID"], "status": "completed", "summary": "Looked at it."}
call("POST", "complete", done)
