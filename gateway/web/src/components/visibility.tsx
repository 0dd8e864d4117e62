import { ChevronDown, Globe, Link2, Lock, Users } from "lucide-preact";
import type { Visibility } from "../model.js";
import { VISIBILITIES } from "../model.js";
import { words } from "../words.js";

const ICONS = { PRIVATE: Lock, UNLISTED: Link2, MEMBERS: Users, PUBLIC: Globe } as const;

export function VisibilityBadge({ value }: { readonly value: Visibility }) {
  const Icon = ICONS[value];
  return (
    <span class="visibility" title={words.visibility.explained[value]}>
      <Icon aria-hidden="true" size={14} />
      {words.visibility.names[value]}
    </span>
  );
}

interface VisibilityProps {
  readonly value: Visibility;
  readonly onChange: (value: Visibility) => void;
}

const read = (value: string): Visibility => VISIBILITIES.find((known) => known === value) ?? "PRIVATE";

/** The small form, for rows. */
export function VisibilitySelect({ value, onChange }: VisibilityProps) {
  const Icon = ICONS[value];
  return (
    <span class="select">
      <Icon aria-hidden="true" size={14} />
      <select
        aria-label={words.visibility.label}
        value={value}
        onChange={({ currentTarget }) => {
          onChange(read(currentTarget.value));
        }}
      >
        {VISIBILITIES.map((name) => (
          <option key={name} value={name}>
            {words.visibility.names[name]}
          </option>
        ))}
      </select>
      <ChevronDown class="select-arrow" aria-hidden="true" size={14} />
    </span>
  );
}

/** The large form, which explains itself. */
export function VisibilityChoice({ value, onChange }: VisibilityProps) {
  return (
    <fieldset class="choice">
      <legend class="label">{words.visibility.label}</legend>
      {VISIBILITIES.map((name) => {
        const Icon = ICONS[name];
        return (
          <label key={name} class="choice-item">
            <input
              type="radio"
              name="visibility"
              value={name}
              checked={value === name}
              onChange={() => {
                onChange(name);
              }}
            />
            <Icon aria-hidden="true" size={18} />
            <span>
              <strong>{words.visibility.names[name]}</strong>
              <small>{words.visibility.explained[name]}</small>
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}
