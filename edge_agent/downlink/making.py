"""From a config to a downlink: which centre, which key, which folder."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path
from random import Random

from edge_agent.cipher import Cipher
from edge_agent.clock import Clock
from edge_agent.config.checks import public_key
from edge_agent.config.model import AgentConfig, CentreSection
from edge_agent.downlink.centre import Centre
from edge_agent.downlink.documents import FOLDER, Documents
from edge_agent.downlink.erasure import Erasing, Forget, ForgetBlobs
from edge_agent.downlink.service import Downlink, Said


def make_documents(config: AgentConfig, centre: CentreSection, cipher: Cipher) -> Documents:
    """Return the documents of a config's agent; `Downlink.prepare` loads them."""
    return Documents(_folder(config), agent=config.agent.id, public_key=public_key(centre.public_key), cipher=cipher)


def make_downlink(
    config: AgentConfig,
    centre: CentreSection,
    documents: Documents,
    *,
    forget: Forget,
    forget_blobs: ForgetBlobs | None = None,
    said: Said,
    clock: Clock,
    executor: Executor,
    random: Random,
) -> Downlink:
    """Return the downlink of a config's agent. The centre's certificate is trusted as the broker's is."""
    agent = config.agent.id
    return Downlink(
        agent=agent,
        documents=documents,
        centre=Centre(centre.url, agent=agent, token=centre.token.reveal(), ca_file=config.uplink.tls_ca),
        erasing=Erasing(_folder(config), forget, executor, forget_blobs),
        said=said,
        clock=clock,
        executor=executor,
        random=random,
    )


def _folder(config: AgentConfig) -> Path:
    return config.agent.data_dir / FOLDER
