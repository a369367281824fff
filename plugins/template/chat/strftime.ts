/** @file Writes a day the way Python's strftime does, for templates that mention the date. */

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
)
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')

/** `date` is `YYYY-MM-DD`; midnight is the time. A code that is not known stays as it is. */
export function strftime(date: string, format: string): string {
  const day = new Date(`${date}T00:00:00Z`)
  const two = (value: number): string => String(value).padStart(2, '0')
  const month = MONTHS[day.getUTCMonth()]!
  const weekday = DAYS[day.getUTCDay()]!
  const codes: Readonly<Record<string, string>> = {
    Y: String(day.getUTCFullYear()),
    y: two(day.getUTCFullYear() % 100),
    m: two(day.getUTCMonth() + 1),
    d: two(day.getUTCDate()),
    B: month,
    b: month.slice(0, 3),
    A: weekday,
    a: weekday.slice(0, 3),
    H: '00',
    I: '12',
    M: '00',
    S: '00',
    p: 'AM',
    '%': '%',
  }
  return format.replace(/%([A-Za-z%])/g, (whole, code: string) => codes[code] ?? whole)
}
