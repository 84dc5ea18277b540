// Values as CEL has them. Whole numbers are ints in the API server and BigInt here; what is undefined isn't there.
export const toCel = (value) =>
  Array.isArray(value) ? value.map(toCel)
  : value instanceof Map ? new Map([...value].map(([key, item]) => [key, toCel(item)]))
  : value !== null && typeof value === "object"
    ? new Map(Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) => [key, toCel(item)]))
  : Number.isInteger(value) ? BigInt(value)
  : value;
