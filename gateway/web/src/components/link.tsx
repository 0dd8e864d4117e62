import type { JSX } from "preact";
import { navigate } from "../navigation.js";

type LinkProps = JSX.IntrinsicElements["a"] & {
  readonly href: string;
  /** Called when it leads away within this page. */
  readonly onFollow?: () => void;
};

/** A link within the application. Opening it elsewhere (middle click, Ctrl) is left to the browser. */
export function Link({ href, onFollow, children, ...rest }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href);
    onFollow?.();
  };
  return (
    <a {...rest} href={href} onClick={follow}>
      {children}
    </a>
  );
}
