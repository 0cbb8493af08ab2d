// A colour for each module: packages, the largest first, have hues that are most unlike,
// and modules of a package shades of its hue. Red and blue for changes.

const GOLDEN_ANGLE = 137.508;
const FIRST_HUE = 32;
const SHADES = 5; // of a package; the middle one is the package's own
const MIDDLE = 2;

export class Colors {
  /** `isDark` is asked at each use. */
  constructor(profile, isDark) {
    this.isDark = isDark;
    this.packageOf = Array.from({ length: profile.size }, (_, one) => {
      if (profile.isC(one)) return "C functions";
      const module = profile.module(one);
      return module === null ? "(no module)" : module.split(".")[0];
    });
    const sums = new Map();
    this.packageOf.forEach((name, one) => {
      const own = Math.max(...profile.profiles.map((side) => side.figures.own[one]));
      sums.set(name, (sums.get(name) ?? 0) + own);
    });
    this.packages = [...sums].sort((one, other) => other[1] - one[1]);
    this.hues = new Map(
      this.packages.map(([name], rank) => [name, FIRST_HUE + rank * GOLDEN_ANGLE]),
    );
    this.shades = this.#shades(profile);
  }

  #shades(profile) {
    const modules = new Map();
    return this.packageOf.map((name, one) => {
      const module = profile.module(one);
      if (!modules.has(name)) modules.set(name, new Map());
      const ranks = modules.get(name);
      if (!ranks.has(module)) ranks.set(module, (MIDDLE + ranks.size) % SHADES);
      return ranks.get(module);
    });
  }

  ofPackage(name, shade = MIDDLE) {
    const saturation = name === "C functions" ? 4 : this.isDark() ? 38 : 62;
    const lightness = (this.isDark() ? 29 : 74) + 2 * (shade - MIDDLE);
    const hue = (this.hues.get(name) + 9 * (shade - MIDDLE)) % 360;
    return `hsl(${hue.toFixed(0)} ${saturation}% ${lightness}%)`;
  }

  of(ofFunction) {
    if (ofFunction < 0) return this.neutral;
    return this.ofPackage(this.packageOf[ofFunction], this.shades[ofFunction]);
  }

  /** Red: more than before; blue: less; the stronger, the larger a part of it. */
  ofChange([before, after]) {
    const larger = Math.max(Math.abs(before), Math.abs(after));
    const part = larger > 0 ? Math.min(1, Math.abs(after - before) / larger) : 0;
    const hue = after > before ? 6 : 215;
    const [from, to] = this.isDark() ? [30, 38] : [90, 68];
    const lightness = from + (to - from) * part;
    return `hsl(${hue} ${(85 * Math.sqrt(part)).toFixed(0)}% ${lightness.toFixed(0)}%)`;
  }

  get neutral() {
    return this.isDark() ? "hsl(220 6% 30%)" : "hsl(220 10% 86%)";
  }

  get found() {
    return this.isDark() ? "hsl(30 75% 36%)" : "hsl(38 95% 62%)";
  }
}
