/** @file A view that fails says so and takes no other down with it. */
import { Component, type ComponentChildren } from 'preact'

export class ErrorBoundary extends Component<{ children: ComponentChildren }, { message: string }> {
  override state = { message: '' }

  static override getDerivedStateFromError(error: unknown): { message: string } {
    return { message: error instanceof Error ? error.message : String(error) }
  }

  render() {
    const { message } = this.state
    return message === '' ? this.props.children : <p role="alert">This view failed: {message}</p>
  }
}
