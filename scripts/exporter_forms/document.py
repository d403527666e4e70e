"""The table of docs/exporters.md."""
import dataclasses
import math

from . import registry

BEGIN, END = '<!-- written by scripts/exporters table -->', '<!-- end -->'
HEAD = ('| form | exporter | what is special | source | prefiqs | apart | ONNX Runtime apart |',
        '|---|---|---|---|---|--:|--:|')


@dataclasses.dataclass(frozen=True)
class Row:
    form: object
    said: str | None          # what prefiqs says where it refuses the file
    apart: float              # prefiqs from what is computed in double precision; NaN where there is nothing
    runtime_said: str | None
    runtime_apart: float      # ONNX Runtime from prefiqs, or where that refuses from what is computed
    runtime_asked: bool


def rows(forms, program, runtime, folder):
    """One a form, in their order. Without `runtime` it is not asked."""
    made = [registry.make(form, folder) for form in forms]
    found = [program.embeddings(one.path, registry.options(one.form)) for one in made]
    answers = [(None, None)] * len(made)
    if runtime:
        answers = runtime.embeddings([(one.path, one.form.pixels, one.output, one.single) for one in made])
    result = []
    for one, (embeddings, said), (others, runtime_said) in zip(made, found, answers):
        apart = math.nan if embeddings is None else registry.apart(embeddings, one.wanted)
        beside = one.wanted if embeddings is None else registry.numbers.unit(embeddings.reshape(one.wanted.shape))
        result.append(Row(one.form, said, apart, runtime_said, math.nan if others is None else registry.apart(others, beside),
                          runtime is not None))
    return result


def complaints(row):
    """What is not as the registry lists it."""
    form = row.form
    if form.refused is None:
        if row.said is not None:
            yield f'refused: {row.said}'
        elif not row.apart <= form.bound:
            yield f'{row.apart:.1e} apart from what is computed'
    elif row.said is None:
        yield 'is not refused'
    elif form.refused not in row.said:
        yield f'refused in other words: {row.said}'
    if not row.runtime_asked or form.runtime_unasked:
        return
    if form.runtime_refuses:
        if row.runtime_said is None:
            yield 'ONNX Runtime does not refuse it'
    elif row.runtime_said is not None:
        yield f'ONNX Runtime refuses it: {row.runtime_said}'
    elif not row.runtime_apart <= form.runtime_bound:
        yield f'{row.runtime_apart:.1e} apart from ONNX Runtime'


def status(row):
    return 'runs' if row.said is None else f'refused: {row.said}'.replace('|', '\\|')


def with_reason(apart, reason):
    return f'{apart:.0e}' + (f': {reason}' if reason else '')


def cells(row):
    form = row.form
    if form.runtime_unasked or form.runtime_refuses:
        runtime = form.runtime_unasked or 'refuses it too'
    else:
        runtime = with_reason(row.runtime_apart, form.runtime_reason)
    source = f'`{form.source}`' if form.source else ''
    return [f'`{form.name}`', form.exporter, form.special, source, status(row),
            '' if row.said else with_reason(row.apart, form.reason), runtime]


def block(rows, version):
    runs = sum(row.said is None for row in rows)
    lines = [BEGIN, f'{len(rows)} forms: {runs} run, {len(rows) - runs} are refused. Beside ONNX Runtime {version}.', '', *HEAD]
    return '\n'.join(lines + ['| ' + ' | '.join(cells(row)) + ' |' for row in rows] + [END])


def write(path, rows, version):
    text = path.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    path.write_text(before + block(rows, version) + after)


def table_of(text):
    """The rows of the table in the document: name -> cells."""
    inside = text.split(BEGIN)[1].split(END)[0]
    found = [[cell.strip() for cell in line.strip('|').split(' | ')] for line in inside.splitlines() if line.startswith('| `')]
    return {cells[0].strip('`'): cells for cells in found}
