# SPDX-License-Identifier: Apache-2.0
"""The ratios to native as an SVG, by gnuplot."""
import shutil
import subprocess

COLOURS = ["#1b6ca8", "#0b8a5f", "#d1495b", "#e9a03b", "#6c4f8b", "#555555"]


def plot(results, sides, path):
    """One column an operation, one mark a side, logarithmic.  False without gnuplot."""
    if not shutil.which("gnuplot"):
        return False
    ops = [op for op in results if "median_ns" in results[op]["native"]]
    blocks, plots = [], ["1 with lines lc rgb '#999999' dt 2 title 'native'"]
    for i, side in enumerate(sides[1:]):
        rows = [f"{at} {results[op][side.name]['median_ns'] / results[op]['native']['median_ns']}"
                for at, op in enumerate(ops) if "median_ns" in results[op].get(side.name, {})]
        blocks.append(f"$side{i} << END\n" + "\n".join(rows) + "\nEND")
        colour = COLOURS[i % len(COLOURS)]
        plots.append(f"$side{i} using 1:2 with points pt {5 + 2 * i} ps 0.8 lc rgb '{colour}' "
                     f"title '{side.name}'")
    # Names hold underscores: no markup in them.
    tics = ", ".join(f"'{op}' {at}" for at, op in enumerate(ops))
    script = "\n".join(blocks) + f"""
set terminal svg size 1100,560 dynamic noenhanced font 'sans,11' background 'white'
set output '{path}'
set logscale y
set ylabel 'time, to native (1 = native, lower is better)'
set xrange [-0.7:{len(ops) - 0.3}]
set xtics rotate by -55 nomirror ({tics})
set grid xtics ytics lc rgb '#dddddd' lt 1
set key outside top horizontal
plot {", ".join(plots)}
"""
    return subprocess.run(["gnuplot"], input=script.encode()).returncode == 0
