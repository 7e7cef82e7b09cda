/** What each person has read, remembered for the browser session: place -> newest ts. */

export class ReadMarks {
  constructor() {
    this.marks = JSON.parse(sessionStorage.getItem("signoff-demo-read") ?? "{}");
  }

  of(person, place) {
    return this.marks[`${person}/${place}`] ?? null;
  }

  set(person, place, ts) {
    const key = `${person}/${place}`;
    if (ts === null || Number(this.marks[key] ?? 0) >= Number(ts)) return;
    this.marks[key] = ts;
    sessionStorage.setItem("signoff-demo-read", JSON.stringify(this.marks));
  }
}
