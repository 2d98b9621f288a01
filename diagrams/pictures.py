"""The two pictures: one request's way, by the names and numbers of its steps, and a cluster."""

from __future__ import annotations

from drawing import Arrow, Box, Line, Picture, stacked

REQUEST_FLOW = Picture(
    name="request-flow",
    title="One request through Portcullis",
    description=(
        "An application asks Kong. Kong checks its token and its rate, and a plugin signs a tag that says "
        "how sensitive the request is. The backend verifies the tag, keeps only the deployments that are "
        "cleared for that class, chooses among them, and asks one. A public request may go to any provider; "
        "a request with patient data goes only to the models that run in the building."
    ),
    width=1040,
    height=390,
    elements=(
        stacked("room", (20, 124, 130, 96), "Your app", "any OpenAI SDK,", "a JWT", notes=2),
        Box("room", 192, 28, 244, 274, (Line("name", "Kong", 122, 26, centred=True),)),
        Box(
            "step",
            206,
            70,
            216,
            78,
            (
                Line("text", "1  who asks, and how often", 12, 22),
                Line("note", "jwt, size and rate limits", 30, 43),
                Line("note", "no header it can be fooled by", 30, 62),
            ),
        ),
        Box(
            "gate",
            206,
            160,
            216,
            128,
            (
                Line("text", "2  compliance-tag", 12, 22),
                Line("note", "how sensitive is this?", 30, 43),
                Line("note", "floors, hints, the text itself:", 30, 62),
                Line("note", "joined, never lowered, signed", 30, 81),
                Line("note", "no tag, no passage", 30, 108),
            ),
        ),
        Box("room", 478, 28, 244, 274, (Line("name", "Backend", 122, 26, centred=True),)),
        Box("step", 492, 70, 216, 34, (Line("text", "3  verify the tag, read", 12, 22),)),
        Box(
            "gate",
            492,
            114,
            216,
            60,
            (Line("text", "5  policy", 12, 23), Line("note", "who is cleared to see this?", 30, 44)),
        ),
        Box("step", 492, 184, 216, 30, (Line("text", "8  route among those", 12, 20),)),
        Box("step", 492, 221, 216, 30, (Line("text", "9  ask (LiteLLM, Vertex AI)", 12, 20),)),
        Box("step", 492, 258, 216, 30, (Line("text", "10  cost, log line, metrics", 5, 20),)),
        stacked(
            "step",
            (812, 28, 208, 136),
            "Providers",
            "OpenAI, Anthropic, Groq",
            "Vertex AI, Bedrock",
            "any OpenAI-compatible",
            "cleared for some data",
            notes=1,
        ),
        stacked(
            "step", (812, 216, 208, 86), "Ollama", "on machines of your own", "cleared for all data", notes=1
        ),
        Arrow("wall", "M790 190 H1030"),
        Arrow("open", "M150 156 H190"),
        Arrow("held", "M150 188 H190"),
        Arrow("open", "M436 156 H476"),
        Arrow("held", "M436 188 H476"),
        Arrow("open", "M722 156 C766 156 766 100 810 100"),
        Arrow("held", "M722 188 C766 188 766 258 810 258"),
        Arrow("open", "M192 334 H232"),
        Line("text", "public: to whichever serves the model", 244, 338),
        Arrow("held", "M192 362 H232"),
        Line("text", "a medical record: only where it is cleared to go, or nowhere", 244, 366),
        Arrow("wall", "M720 348 H760"),
        Line("text", "the edge of the building", 772, 352),
    ),
)

DEPLOYMENT = Picture(
    name="deployment",
    title="Portcullis on a cluster",
    description=(
        "A load balancer hands TLS connections to two or more Kongs in a namespace of their own, each with "
        "its plugin servers. They ask two or more backends in the namespace portcullis, over TLS. The "
        "backends share Redis, ask Ollama inside the cluster, and reach providers only through an egress "
        "proxy whose allow-list is made from the deployment register. Prometheus reads Kong's and the "
        "backends' metrics for Grafana and Alertmanager. Secrets come from the cloud's secret manager, "
        "certificates from cert-manager."
    ),
    width=1120,
    height=560,
    elements=(
        stacked("room", (20, 200, 116, 80), "Your apps", "HTTPS, a JWT", notes=1),
        stacked("step", (162, 200, 134, 80), "Load balancer", "one address", notes=1),
        Arrow("wall", "M312 60 H868 V540 H312 Z"),
        Line("note", "the cluster: GKE, EKS or any; private nodes", 324, 50),
        Box("room", 330, 84, 224, 250, (Line("name", "namespace kong", 112, 26, centred=True),)),
        stacked(
            "step",
            (346, 124, 192, 98),
            "Kong",
            "2 to 10 pods",
            "jwt, limits, the gate",
            "TLS ends, and begins again",
            notes=2,
        ),
        stacked(
            "gate",
            (346, 236, 192, 82),
            "plugin servers",
            "in Kong's pods",
            "compliance-tag, oidc-jwt",
            notes=1,
        ),
        Box("room", 330, 350, 224, 174, (Line("name", "beside them", 112, 26, centred=True),)),
        stacked("step", (346, 388, 192, 58), "Prometheus, Grafana", "rules, alerts, dashboards", notes=1),
        stacked("step", (346, 456, 192, 58), "cert-manager", "certificates of all parts", notes=1),
        Box("room", 592, 84, 260, 440, (Line("name", "namespace portcullis", 130, 26, centred=True),)),
        stacked(
            "gate",
            (608, 124, 228, 98),
            "backend",
            "2 to 10 pods, over the zones",
            "policy, routing, providers",
            "drains before it ends",
            notes=2,
        ),
        stacked("step", (608, 250, 104, 82), "Redis", "or managed,", "over TLS", notes=2),
        stacked("step", (732, 250, 104, 82), "Ollama", "a volume,", "a GPU if any", notes=2),
        stacked("step", (608, 358, 228, 62), "egress proxy", "allow-list from the register", notes=1),
        stacked(
            "step",
            (608, 436, 228, 74),
            "default deny",
            "each part is reached only",
            "by those whom it serves",
            notes=2,
        ),
        stacked(
            "step",
            (912, 320, 188, 126),
            "Providers",
            "Vertex AI, OpenAI,",
            "Anthropic, Bedrock, ...",
            "cleared for some data",
            notes=1,
        ),
        stacked("step", (912, 84, 188, 60), "Secret manager", "keys, tokens' secrets", notes=1),
        stacked("step", (912, 160, 188, 60), "Registry", "images by digest", notes=1),
        stacked("step", (912, 236, 188, 60), "Redis, PostgreSQL", "managed, by private address", notes=1),
        Arrow("open", "M136 228 H160"),
        Arrow("held", "M136 252 H160"),
        Arrow("open", "M296 228 C322 228 316 160 344 160"),
        Arrow("held", "M296 252 C328 252 316 184 344 184"),
        Arrow("open", "M538 160 H606"),
        Arrow("held", "M538 184 H606"),
        Arrow("open", "M722 222 V356"),
        Arrow("open", "M836 389 H910"),
        Arrow("held", "M784 222 V248"),
        Arrow("side", "M660 222 V248"),
        Arrow("side", "M538 417 H573 V208 H606"),
        Arrow("side", "M370 388 V336"),
    ),
)

PICTURES = (REQUEST_FLOW, DEPLOYMENT)
