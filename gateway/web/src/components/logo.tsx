/** A play sign that is a mesh of three. */
export function Mark({ size = 24 }: { readonly size?: number }) {
  return (
    <svg class="mark" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path class="mark-lines" d="M7 4.5v15l13-7.5z" />
      <circle cx="7" cy="4.5" r="3" />
      <circle cx="7" cy="19.5" r="3" />
      <circle cx="20" cy="12" r="3" />
    </svg>
  );
}
