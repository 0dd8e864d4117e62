import { Monitor, Moon, Sun, Upload } from "lucide-preact";
import { useStore } from "../hooks.js";
import { preferences, THEMES } from "../preferences.js";
import { addFiles } from "../uploads.js";
import { words } from "../words.js";
import { FileButton } from "./file-button.js";
import { Link } from "./link.js";
import { Mark } from "./logo.js";
import { Menu, MenuItem } from "./menu.js";

const ICONS = { system: Monitor, light: Sun, dark: Moon } as const;

function ThemeMenu() {
  const theme = useStore(preferences.theme);
  const Current = ICONS[theme];
  return (
    <Menu label={words.header.theme} icon={<Current aria-hidden="true" />}>
      {THEMES.map((name) => {
        const Icon = ICONS[name];
        return (
          <MenuItem
            key={name}
            icon={<Icon aria-hidden="true" size={16} />}
            checked={name === theme}
            onChoose={() => {
              preferences.theme.set(name);
            }}
          >
            {words.header.themes[name]}
          </MenuItem>
        );
      })}
    </Menu>
  );
}

/** @param dark - on pages that are always dark there is no theme to choose. */
export function Header({ dark }: { readonly dark: boolean }) {
  return (
    <header class="header">
      <a class="skip" href="#main">
        {words.header.skip}
      </a>
      <Link class="brand" href="/" aria-label={words.header.home}>
        <Mark />
        <span>{words.name}</span>
      </Link>
      <div class="header-actions">
        {!dark && <ThemeMenu />}
        <FileButton class="button button-primary" multiple onFiles={addFiles}>
          <Upload aria-hidden="true" size={16} />
          {words.header.upload}
        </FileButton>
      </div>
    </header>
  );
}
