"""A company of four accounts, written as files, for tests of the data side."""

from __future__ import annotations

from pathlib import Path

YAML = "name: Little Company\nsource: .\ncurrency: EUR\ntimezone: UTC\n"

FILES = {
    "accounts.csv": """account_id,name,signed_on,kickoff_on,segment,seats
a1,Alder,2024-01-10,2024-01-20,small,3
a2,Birch,2024-02-01,,large,20
a3,Cedar,2024-03-05,2024-04-01,small,5
a4,Dogwood,2024-05-15,2024-06-01,large,8
""",
    "subscriptions.csv": """subscription_id,account_id,started_on,ended_on,cancelled_on,term_ends_on,monthly_amount,billing_months,reason
s1,a1,2024-01-10,2024-06-30,2024-05-01,2024-06-30,100,1,price
s2,a2,2024-02-01,2024-08-01,,2025-02-01,900,12,
s2,a2,2024-08-01,,,2025-02-01,950,12,
s3,a3,2024-03-05,,,2025-03-05,150.5,3,
s4,a4,2024-05-15,,,2025-05-15,300,1,
""",
    "usage.csv": """account_id,contact_id,at,event,channel,quantity
a1,c1,2024-01-12 09:00:00,report_shared,ui,1
a1,c1,2024-04-30 23:59:59,report_viewed,ui,1
a2,c2,2024-02-20 10:30:00,report_shared,ui,2
a3,,2024-03-09 08:00:00,rows_loaded,api,5000
a3,c3,2024-07-01 00:00:00,report_shared,ui,1
a4,c4,2024-09-30 12:00:00,report_shared,ui,1
""",
    "contacts.csv": """contact_id,account_id,role,created_on,is_service
c1,a1,user,2024-01-10,false
c2,a2,buyer,2024-02-01,no
c3,a3,admin,2024-03-05,0
c4,a4,sponsor,2024-05-15,False
""",
    "onboarding.csv": """account_id,stage,owner,entered_at,left_at
a1,contract,legal,2024-01-10 00:00:00,2024-01-12 00:00:00
a3,training,us: training,2024-03-06 00:00:00,2024-05-06 00:00:00
a4,training,us: training,2024-05-20 00:00:00,
""",
    "leads.csv": """lead_id,account_id,account_linked_on,created_on,source,demo_on,won_on,lost_on,lost_reason
l1,a1,2024-01-10,2023-12-01,web,2023-12-15,2024-01-10,,
l2,,,2024-01-05,fair,,,2024-06-10,price
l3,a4,2024-05-15,2024-04-01,web,2024-04-20,2024-05-15,,
""",
    "orders.csv": """order_id,account_id,ordered_at,shipped_on,cancelled_on,returned_on,freight
o1,a2,2024-03-01 10:00:00,2024-03-03,,,12.5
o2,a2,2024-06-01 10:00:00,,2024-06-20,,0
o3,a4,2024-06-02 10:00:00,2024-06-04,,2024-07-15,7
""",
    "order_lines.csv": """order_id,line_no,product_id,quantity,list_price,unit_price
o1,1,p1,2,10,9
o1,2,p2,1,20,20
o2,1,p1,4,10,8.5
o3,1,p3,1,99.9,99.9
""",
    "carts.csv": """cart_id,account_id,created_at,ordered_at,order_id,amount,items
k1,a2,2024-03-01 09:00:00,2024-03-01 10:00:00,o1,38,3
k2,a2,2024-06-01 09:00:00,2024-06-03 10:00:00,o2,34,4
k3,,2024-06-30 09:00:00,,,12,1
""",
    "spend.csv": """month,department,amount
2024-05-01,sales,1000
2024-06-01,marketing,500
2024-07-01,marketing,700
""",
    "account_history.csv": """account_id,field,value,from_on
a1,seats,2,2024-01-10
a1,seats,3,2024-06-01
a2,seats,20,2024-02-01
a3,seats,5,2024-03-05
a4,seats,6,2024-05-15
a4,seats,8,2024-08-15
""",
}


def write_company(folder: Path, yaml: str = YAML, **changed: str | bytes | None) -> Path:
    """The folder, holding the company; `accounts="..."` replaces a file, None leaves it out."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.yaml").write_text(yaml, encoding="utf-8")
    for name, content in FILES.items():
        wanted = changed.get(name.removesuffix(".csv"), content)
        if isinstance(wanted, bytes):
            (folder / name).write_bytes(wanted)
        elif wanted is not None:
            (folder / name).write_text(wanted, encoding="utf-8")
    return folder


def with_row(table: str, *rows: str) -> str:
    """The file of a table with rows added at its end."""
    return FILES[f"{table}.csv"] + "".join(f"{row}\n" for row in rows)


def with_change(table: str, old: str, new: str) -> str:
    """The file of a table with one text in it replaced."""
    content = FILES[f"{table}.csv"]
    if content.count(old) != 1:
        raise ValueError(f"{old!r} stands {content.count(old)} times in {table}")
    return content.replace(old, new)
