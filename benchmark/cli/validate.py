"""`validate`: the contract, tried on tiny real activations and questions."""

from typing import Annotated

import typer

from simplibench.cli.app import app, require_there
from simplibench.errors import SimplibenchError
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
    """Examine every entry in guests of their own. Raises: ContractBroken with all problems."""
    from simplibench.guest.sandbox import warn_unenclosed
    from simplibench.harness.options import RunOptions
    from simplibench.harness.runner import Runner
    from simplibench.harness.tracks import TRACKS

    asked = RunOptions.from_command_line(device=device, timeout=timeout)
    path = find_method(file)
    warn_unenclosed()
    with Runner(asked.config, asked.output) as runner:
        encoder, decoder = runner.method_runners(path)
        manifest = encoder.manifest()
        require_own_name(manifest.name, path)
        trials = {name: TRACKS[name].trial() for name in {entry.track for entry in manifest.entries}}
        problems = []
        for index, entry in enumerate(manifest.entries):
            encoder.seconds_left = decoder.seconds_left = asked.timeout
            problems += trials[entry.track].problems(encoder, decoder, entry, index)
        encoder.close()
        decoder.close()
    if problems:
        listed = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, start=1))
        raise ContractBroken(f"{path}: {len(problems)} problems:\n{listed}")
    print(f"{path}: {manifest.name} keeps the contract, {len(manifest.entries)} entries\nnext: simplibench run {file}")
