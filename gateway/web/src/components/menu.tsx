import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface MenuProps {
  /** The name of the button. */
  readonly label: string;
  readonly icon: ComponentChildren;
  readonly class?: string;
  readonly children: ComponentChildren;
}

const items = (menu: HTMLElement | null) => [...(menu?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];

/** A button with a menu: opens on click, moves by arrows, Home and End, closes on Escape and on leaving. */
export function Menu({ label, icon, children, ...rest }: MenuProps) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!open) return;
    const entries = items(menu.current);
    (entries.find((item) => item.ariaChecked === "true") ?? entries[0])?.focus();
    const leave = (event: Event) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", leave);
    document.addEventListener("focusin", leave);
    return () => {
      document.removeEventListener("pointerdown", leave);
      document.removeEventListener("focusin", leave);
    };
  }, [open]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const entries = items(menu.current);
    const current = entries.findIndex((item) => item === document.activeElement);
    const goals: Readonly<Record<string, number>> = {
      ArrowDown: (current + 1) % entries.length,
      ArrowUp: (current - 1 + entries.length) % entries.length,
      Home: 0,
      End: entries.length - 1,
    };
    const goal = goals[event.key];
    if (event.key === "Escape") close();
    else if (goal !== undefined) entries[goal]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div ref={root} class={`menu ${rest.class ?? ""}`} data-open={open}>
      <button
        ref={button}
        type="button"
        class="button button-icon"
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => {
          setOpen(!open);
        }}
      >
        {icon}
      </button>
      {open && (
        <div ref={menu} class="menu-list" role="menu" aria-label={label} onKeyDown={onKeyDown} onClick={close}>
          {children}
        </div>
      )}
    </div>
  );
}

interface MenuItemProps {
  readonly icon: ComponentChildren;
  readonly onChoose: () => void;
  /** Given for one choice of several. */
  readonly checked?: boolean;
  readonly danger?: boolean;
  readonly children: ComponentChildren;
}

export function MenuItem({ icon, onChoose, checked, danger = false, children }: MenuItemProps) {
  const choice = checked === undefined ? {} : { "aria-checked": checked };
  return (
    <button
      type="button"
      class={`menu-item ${danger ? "menu-item-danger" : ""}`}
      role={checked === undefined ? "menuitem" : "menuitemradio"}
      tabIndex={-1}
      onClick={onChoose}
      {...choice}
    >
      {icon}
      <span>{children}</span>
    </button>
  );
}
