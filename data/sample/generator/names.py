"""Invented names of companies and people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.sample.generator.tools import stream

_FIRST = ["Alder", "Amber", "Arbor", "Aster", "Beacon", "Birch", "Bracken", "Brook", "Cedar", "Cinder", "Cobalt", "Copper", "Coral", "Crest", "Delta", "Dune", "Ember", "Falcon", "Fern", "Fjord", "Flint", "Garnet", "Glade", "Granite", "Harrow", "Hazel", "Heron", "Indigo", "Iris", "Juniper", "Kestrel", "Lark", "Larch", "Linden", "Lumen", "Maple", "Marlow", "Meadow", "Merlin", "Mistral", "Nimbus", "Nova", "Oakley", "Onyx", "Opal", "Orchard", "Osprey", "Pebble", "Pine", "Quartz", "Raven", "Ridge", "Rowan", "Saffron", "Sable", "Sierra", "Silver", "Solstice", "Sparrow", "Summit", "Thistle", "Timber", "Topaz", "Tundra", "Umber", "Vale", "Verdant", "Willow", "Wren", "Zephyr"]
_SECOND = ["Analytica", "Assurance", "Bank", "Biotech", "Brands", "Capital", "Chemicals", "Components", "Devices", "Dynamics", "Electric", "Energy", "Engineering", "Equipment", "Finance", "Foods", "Freight", "Grid", "Group", "Health", "Holdings", "Industries", "Instruments", "Insurance", "Labs", "Logistics", "Machines", "Media", "Mobility", "Networks", "Packaging", "Pharma", "Plastics", "Power", "Rail", "Retail", "Robotics", "Services", "Shipping", "Steel", "Stores", "Systems", "Telecom", "Textiles", "Travel", "Works"]
_TRADE = ["Auto", "Garage", "Tires", "Motors", "Service Centre", "Car Care", "Wheel Shop", "Autoworks", "Fleet", "Mechanics", "Pit Stop", "Truck Repair", "Auto Centre", "Brake and Tire", "Dealership"]
_PLACES = ["Anse", "Bayview", "Beauport", "Belmont", "Boreal", "Brantford", "Carleton", "Chaleur", "Clearwater", "Coteau", "Dorval", "Eastport", "Elmira", "Gaspard", "Glenview", "Granby", "Harbourside", "Hochelaga", "Iberville", "Joliette", "Kanata", "Kenora", "Lachance", "Lakeside", "Laval", "Levis", "Lorne", "Magog", "Maplewood", "Matane", "Moncton", "Montcalm", "Niagara", "Northfield", "Orleans", "Outaouais", "Pembina", "Portneuf", "Prairie", "Redwater", "Rimouski", "Riverbend", "Rosemont", "Saguenay", "Selkirk", "Sherwood", "Stonewall", "Sudbury", "Tecumseh", "Timmins", "Verdun", "Waterloo", "Westmount", "Windermere", "Yorkton"]

SUCCESS_MANAGERS = (
    "Anna Lindqvist", "Bruno Keller", "Chiara Conti", "Dorian Petit", "Elif Aydin", "Femi Adeyemi",
)  # fmt: skip
SALES_REPS = ("Marc Tremblay", "Julie Gagnon", "Peter Novak", "Sophie Roy", "Liam Fraser")


def company_names(seed: int, size: int) -> NDArray[np.object_]:
    """Return invented company names, all different."""
    return _combine(seed, "companies", _FIRST, _SECOND, size)


def garage_names(seed: int, size: int) -> NDArray[np.object_]:
    """Return invented names of garages, dealers and fleets, all different."""
    return _combine(seed, "garages", _PLACES, _TRADE, size)


def _combine(
    seed: int, name: str, first: list[str], second: list[str], size: int
) -> NDArray[np.object_]:
    total = len(first) * len(second)
    order = stream(seed, "names", name).permutation(total)
    rounds, places = np.divmod(np.arange(size), total)
    chosen = order[places]
    return np.array(
        [
            f"{first[code // len(second)]} {second[code % len(second)]}"
            + (f" {number + 1}" if number else "")
            for code, number in zip(chosen.tolist(), rounds.tolist(), strict=True)
        ],
        dtype=object,
    )
