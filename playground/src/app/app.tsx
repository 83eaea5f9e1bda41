/** The page. */
export function App() {
  return <main>mserve</main>
}
