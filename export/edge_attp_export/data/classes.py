"""Other classes for a prepared set: some of its labels, renamed or merged."""

from __future__ import annotations

from typing import Dict, List, Sequence

from edge_attp.errors import UsageError

from .prepared import Prepared


def with_classes(prepared: Prepared, classes: Sequence[str]) -> Prepared:
    """The set with the classes named by terms such as "push" or "fight=push+kick"; an empty list changes nothing.

    Clips of other labels are left out. A mirrored label that is left out mirrors nothing. Raises UsageError for a
    label that the set does not have, or that is named twice.
    """
    if not classes:
        return prepared
    class_of: Dict[str, str] = {}
    names: List[str] = []
    for term in classes:
        name, _, merged = (part.strip() for part in term.partition("="))
        names.append(name)
        for label in (merged or name).split("+"):
            if label not in prepared.labels:
                known = ", ".join(prepared.labels)
                raise UsageError(
                    f"class '{term}': the set has no label '{label}'; its labels: {known}"
                )
            if label in class_of:
                raise UsageError(f"class '{term}': label '{label}' belongs to '{class_of[label]}'")
            class_of[label] = name
    if len(set(names)) != len(names):
        raise UsageError(f"classes {', '.join(classes)}: a name occurs twice")
    mirror = {
        class_of[label]: class_of[mirrored]
        for label, mirrored in prepared.mirror.items()
        if label in class_of and mirrored in class_of
    }
    clips = tuple(
        entry._replace(label=class_of[entry.label])
        for entry in prepared.clips
        if entry.label in class_of
    )
    return prepared._replace(labels=tuple(names), mirror=mirror, clips=clips)
