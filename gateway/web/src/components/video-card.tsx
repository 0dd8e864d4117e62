import { CircleAlert } from "lucide-preact";
import { idOf, type Video } from "../model.js";
import { isMine, ownerName } from "../people.js";
import { watchPath } from "../router.js";
import { words } from "../words.js";
import { Age } from "./age.js";
import { Link } from "./link.js";
import { Poster } from "./poster.js";
import { VideoMenu } from "./video-actions.js";
import { VisibilityBadge } from "./visibility.js";

interface VideoCardProps {
  readonly video: Video;
  /** The level of its title in the page's outline. */
  readonly level: 2 | 3;
}

export function VideoCard({ video, level }: VideoCardProps) {
  const Heading = level === 2 ? "h2" : "h3";
  return (
    <li class="card">
      <Link class="card-link" href={watchPath(idOf(video.name))}>
        <Poster video={video} />
        <Heading class="card-title">{video.title}</Heading>
      </Link>
      <p class="card-meta">
        {!isMine(video) && <span>{ownerName(video)}</span>}
        <Age time={video.createTime} />
        {video.state === "FAILED" ? (
          <span class="card-failed">
            <CircleAlert aria-hidden="true" size={14} />
            {words.library.failed}
          </span>
        ) : (
          isMine(video) && <VisibilityBadge value={video.visibility} />
        )}
      </p>
      {isMine(video) && <VideoMenu video={video} />}
    </li>
  );
}

/** Stands where a card will be. */
export function CardSkeleton() {
  return (
    <li class="card" aria-hidden="true">
      <div class="poster skeleton" />
      <div class="skeleton skeleton-line" />
      <div class="skeleton skeleton-line skeleton-line-short" />
    </li>
  );
}
