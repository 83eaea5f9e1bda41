/** Takes pictures from files, the clipboard or a drop, and makes of each the URL that holds it. */

/** The largest picture, in bytes: a request has a largest size, too. */
const LARGEST = 10_000_000

/** The pictures among files as data: URLs, in their order, and what is to be told of the others. */
export async function picturesIn(files: Iterable<File>): Promise<{ urls: string[]; note: string | undefined }> {
  const all = [...files]
  const pictures = all.filter((file) => file.type.startsWith("image/"))
  const small = pictures.filter((file) => file.size <= LARGEST)
  const note = [
    pictures.length < all.length ? "Only pictures can be attached: other files are left out." : "",
    small.length < pictures.length ? "Pictures over 10 MB are left out." : "",
  ].join(" ")
  return { urls: await Promise.all(small.map(urlOf)), note: note.trim() || undefined }
}

/** Takes what is dropped anywhere on the page, which would open it in its own place, until the result is called. */
export function takeDropped(take: (files: Iterable<File>) => void): () => void {
  const over = (event: DragEvent) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault()
  }
  const dropped = (event: DragEvent) => {
    over(event)
    if (event.defaultPrevented) take(event.dataTransfer?.files ?? [])
  }
  document.addEventListener("dragover", over)
  document.addEventListener("drop", dropped)
  return () => {
    document.removeEventListener("dragover", over)
    document.removeEventListener("drop", dropped)
  }
}

/** The files that were copied; none where they come with their text, of which office programs add a picture. */
export function pasted(copied: DataTransfer | null): Iterable<File> {
  return copied && !copied.types?.includes("text/plain") ? copied.files : []
}

function urlOf(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result))
    reader.onerror = () => reject(reader.error)
    reader.readAsDataURL(file)
  })
}
