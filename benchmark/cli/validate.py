"""`validate`: the contract, tried on tiny real activations and questions."""

from typing import Annotated

import typer

from simplibench.cli.app import app, require_there
from simplibench.errors import SimplibenchError
from simplibench.guest import ForkServer, Guest, Problem
from simplibench.harness.options import RunOptions
from simplibench.harness.tracks import TRACKS
from simplibench.registry import find_method, require_own_name


@app.command()
def validate(
    file: Annotated[str, typer.Argument(help="A submission's file, or a method's name.")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    timeout: Annotated[float, typer.Option(help="Seconds of its own code that an entry gets.")] = 10.0,
) -> None:
    """Check a submission against the contract, on tiny real activations; every problem is listed."""
    require_there(file)

    validate_file(file, device, timeout)


class ContractBroken(SimplibenchError):
    """A submission does not keep the contract; the text lists every problem."""


def validate_file(file: str, device: str, timeout: float) -> None:
    """Examine every entry in guests of their own. Raises ContractBroken with all problems."""
    asked = RunOptions.from_command_line(device=device, timeout=timeout)
    path, device = find_method(file), asked.conditions.device
    with ForkServer() as server:
        encoder, decoder = Guest(server, path, device), Guest(server, path, device)
        manifest = encoder.manifest()
        require_own_name(manifest.name, path)
        trials = {name: TRACKS[name].trial() for name in {entry.track for entry in manifest.entries}}
        problems: list[Problem] = []
        for index, entry in enumerate(manifest.entries):
            encoder.seconds_left = decoder.seconds_left = asked.timeout
            problems += trials[entry.track].problems(encoder, decoder, entry, index)
        encoder.close()
        decoder.close()
    if problems:
        listed = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, start=1))
        raise ContractBroken(f"{path}: {len(problems)} problems:\n{listed}")
    print(f"{path}: {manifest.name} keeps the contract, {len(manifest.entries)} entries\nnext: simplibench run {file}")
